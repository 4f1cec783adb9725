// Relative-position bias in fixed point: a head's table as 16-bit words, reversed, so that a grid row's entries ascend with the key and a row of the bias is a run of plain copies. Copies are
// whole vectors; what they write too much is overwritten by the next run.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class RelativeWords(AttentionBias bias)
{
    /// <summary>Words that copies may read or write beyond a table or row.</summary>
    public const int Slack = 64;

    private const int SpecialEntries = 3;

    private readonly int _height = bias.GridHeight;
    private readonly int _width = bias.GridWidth;
    private readonly int _classTokens = bias.HasClassToken ? 1 : 0;
    private readonly int _entries = ((2 * bias.GridHeight) - 1) * ((2 * bias.GridWidth) - 1);

    // Tables are read once, when the run is made.
    private readonly float[] _largest = Largest(bias);

    /// <summary>Words of one head's table, slack included.</summary>
    public int TableWords => _entries + SpecialEntries + Slack;

    /// <summary>The largest absolute value of a head's table, -infinity left out.</summary>
    public float LargestFinite(int head) => _largest[bias.HeadCount == 1 ? 0 : head];

    /// <summary>Fills a head's table: reversed grid entries, then class token to any, any to class token, class token to itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Convert(int head, float scale, short* words)
    {
        ReadOnlySpan<float> table = bias.Values.Span;
        int tableHead = bias.HeadCount == 1 ? 0 : head;
        int all = _entries + (SpecialEntries * _classTokens);
        for (int entry = 0; entry < all; entry++)
        {
            float value = table[(entry * bias.HeadCount) + tableHead] * scale;
            words[entry < _entries ? _entries - 1 - entry : entry] = (short)Math.Clamp(MathF.Round(value), short.MinValue, short.MaxValue);
        }
    }

    /// <summary>Fills the bias of a tile, <c>[block][row][64]</c>; rows beyond the last query repeat it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(short* table, int firstQuery, int queries, int rows, short* row, short* tile)
    {
        int blocks = KeyCodes.Blocks((_height * _width) + _classTokens);
        nint blockStride = rows * KeyCodes.BlockKeys;

        // What a row's copies write too much lies in the next row, which is filled later; the last row would write into the next block and goes through a buffer.
        for (int i = 0; i < rows - 1; i++)
        {
            FillRow(table, firstQuery + Math.Min(i, queries - 1), tile + (i * KeyCodes.BlockKeys), blockStride);
        }

        FillRow(table, firstQuery + Math.Min(rows, queries) - 1, row, KeyCodes.BlockKeys);
        short* destination = tile + ((rows - 1) * KeyCodes.BlockKeys);
        for (int block = 0; block < blocks; block++)
        {
            Vector512.Load(row + (block * KeyCodes.BlockKeys)).Store(destination);
            Vector512.Load(row + (block * KeyCodes.BlockKeys) + Vector512<short>.Count).Store(destination + Vector512<short>.Count);
            destination += blockStride;
        }
    }

    private static float[] Largest(AttentionBias bias)
    {
        var largest = new float[bias.HeadCount];
        ReadOnlySpan<float> table = bias.Values.Span;
        for (int i = 0; i < table.Length; i++)
        {
            float value = Math.Abs(table[i]);
            ref float head = ref largest[i % bias.HeadCount];
            head = float.IsInfinity(value) ? head : Math.Max(head, value);
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillRow(short* table, int query, short* row, nint blockStride)
    {
        if (query < _classTokens)
        {
            int keys = (_height * _width) + _classTokens;
            for (int key = 0; key < keys; key++)
            {
                row[(key / KeyCodes.BlockKeys * blockStride) + (key % KeyCodes.BlockKeys)] = table[key == 0 ? _entries + 2 : _entries];
            }

            return;
        }

        int y = (query - _classTokens) / _width;
        int x = (query - _classTokens) % _width;
        int width = _width;
        int stride = (2 * width) - 1;

        // Entry of the first key of grid row 0, in the reversed table; a grid row further on it moves by a table row.
        short* source = table + _entries - 1 - (((y + _height - 1) * stride) + x + width - 1);
        int position = _classTokens;
        short* block = row;
        for (int keyY = 0; keyY < _height; keyY++)
        {
            short* from = source;
            int left = width;
            while (left > 0)
            {
                int count = Math.Min(left, KeyCodes.BlockKeys - position);
                if (count <= Vector256<short>.Count)
                {
                    // Half a vector crosses fewer cache lines.
                    Vector256.Load(from).Store(block + position);
                }
                else
                {
                    Vector512.Load(from).Store(block + position);
                }

                if (count > Vector512<short>.Count)
                {
                    Vector512.Load(from + Vector512<short>.Count).Store(block + position + Vector512<short>.Count);
                }

                from += count;
                left -= count;
                position += count;
                if (position == KeyCodes.BlockKeys)
                {
                    position = 0;
                    block += blockStride;
                }
            }

            source += stride;
        }

        if (_classTokens == 1)
        {
            row[0] = table[_entries + 1];
        }
    }
}
