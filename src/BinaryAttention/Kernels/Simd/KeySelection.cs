// The keys that some query rows (six in the forward pass) work on: runs of 64-key blocks that at least one of its rows may see, laid one after another ("selected keys", whose positions index the scratch rows). Everything
// beyond is skipped. Without gaps that is one run of leading keys; each row then counts its own leading keys. With gaps a row has one bit per selected key.
using System.Numerics;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class KeySelection : IDisposable
{
    private readonly NativeBuffer? _words;
    private readonly int _keyLength;
    private readonly int _wordsPerRow;
    private readonly KeyRun[] _runs;
    private readonly int[] _keys;
    private readonly bool[] _hasGaps;

    public KeySelection(int keyLength, bool mayHaveGaps, int rows)
    {
        _keyLength = keyLength;
        _keys = new int[rows];
        _hasGaps = new bool[rows];
        _wordsPerRow = KeyCodes.Blocks(keyLength);
        _words = mayHaveGaps ? new NativeBuffer((long)rows * _wordsPerRow * sizeof(ulong)) : null;
        _runs = new KeyRun[mayHaveGaps ? (_wordsPerRow + 1) / 2 : 1];
    }

    public ReadOnlySpan<KeyRun> Runs => _runs.AsSpan(0, RunCount);

    /// <summary>Selected keys, padded to whole blocks.</summary>
    public int PaddedKeys { get; private set; }

    /// <summary>Whether the selected keys are the leading ones, so that key arrays can be read where they lie.</summary>
    public bool IsPrefix => RunCount == 0 || (RunCount == 1 && _runs[0].FirstBlock == 0);

    private int RunCount { get; set; }

    /// <summary>How many selected keys a row counts; 0 if it sees none.</summary>
    public int Keys(int row) => _keys[row];

    /// <summary>Whether some of these keys are masked.</summary>
    public bool HasGaps(int row) => _hasGaps[row];

    /// <summary>One bit per selected key of a row with gaps, 64 keys a word.</summary>
    public ulong* Words(int row) => _words!.As<ulong>() + ((long)row * _wordsPerRow);

    /// <summary>Selects the keys of some rows.</summary>
    /// <param name="allowed">The masks of the call.</param>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="firstQuery">First row.</param>
    /// <param name="rows">Rows, at most as many as the selection was made for.</param>
    public void Select(AllowedKeys allowed, int head, int firstQuery, int rows)
    {
        if (_words is null)
        {
            SelectLeading(allowed, head, firstQuery, rows);
        }
        else
        {
            SelectBlocks(allowed, head, firstQuery, rows);
        }
    }

    public void Dispose() => _words?.Dispose();

    private void SelectLeading(AllowedKeys allowed, int head, int firstQuery, int rows)
    {
        if (allowed.AllowsAll && RunCount == 1)
        {
            return; // as for the rows before
        }

        int most = 0;
        for (int row = 0; row < _keys.Length; row++)
        {
            _keys[row] = allowed.Leading(head, firstQuery + Math.Min(row, rows - 1));
            most = Math.Max(most, _keys[row]);
        }

        int blocks = KeyCodes.Blocks(most);
        _runs[0] = new KeyRun(0, blocks, 0, most);
        RunCount = most == 0 ? 0 : 1;
        PaddedKeys = blocks * KeyCodes.BlockKeys;
    }

    private void SelectBlocks(AllowedKeys allowed, int head, int firstQuery, int rows)
    {
        int most = 0;
        for (int row = 0; row < rows; row++)
        {
            int count = allowed.Words(head, firstQuery + row, Words(row));
            new Span<ulong>(Words(row) + count, _wordsPerRow - count).Clear();
            most = Math.Max(most, count);
        }

        RunCount = 0;
        int selected = 0;
        for (int block = 0; block < most; block++)
        {
            ulong any = 0;
            for (int row = 0; row < rows; row++)
            {
                any |= Words(row)[block];
            }

            if (any == 0)
            {
                continue;
            }

            bool continues = RunCount > 0 && _runs[RunCount - 1].FirstBlock + _runs[RunCount - 1].Blocks == block;
            KeyRun run = continues ? _runs[RunCount - 1] : new KeyRun(block, 0, selected * KeyCodes.BlockKeys, 0);
            RunCount += continues ? 0 : 1;
            _runs[RunCount - 1] = run with { Blocks = run.Blocks + 1, Keys = run.Keys + KeyCodes.BlockKeys };
            for (int row = 0; row < rows; row++)
            {
                Words(row)[selected] = Words(row)[block];
            }

            selected++;
        }

        PaddedKeys = selected * KeyCodes.BlockKeys;
        if (RunCount > 0)
        {
            KeyRun last = _runs[RunCount - 1];
            _runs[RunCount - 1] = last with { Keys = Math.Min(last.Keys, _keyLength - last.FirstKey) };
        }

        for (int row = 0; row < rows; row++)
        {
            CountRow(row, selected);
        }
    }

    // A row whose bits are ones up to some key and zeros beyond has no gaps.
    private void CountRow(int row, int selected)
    {
        ulong* words = Words(row);
        int last = selected - 1;
        while (last >= 0 && words[last] == 0)
        {
            last--;
        }

        int ones = 0;
        while (ones < last && words[ones] == ulong.MaxValue)
        {
            ones++;
        }

        int highest = last < 0 ? 0 : 64 - BitOperations.LeadingZeroCount(words[last]);
        _keys[row] = last < 0 ? 0 : (last * KeyCodes.BlockKeys) + highest;
        _hasGaps[row] = last >= 0 && (ones < last || BitOperations.PopCount(words[last]) != highest);
    }
}
