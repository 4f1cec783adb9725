// What one worker of exact attention needs: scaled queries, one block of logits for six rows, and the running maximum, sum and output of every row of its tile.
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class ExactScratch : IDisposable
{
    public const int Rows = 6;

    /// <summary>Query rows of one work item, a multiple of <see cref="Rows"/>: a block of keys and values is read from the second-level cache once for all of them.</summary>
    public const int TileQueries = 48;

    /// <summary>Most keys per block; a multiple of every panel width.</summary>
    public const int BlockKeys = 256;

    private readonly NativeBuffer _memory;

    private readonly NativeBuffer? _words;
    private readonly int _wordsPerRow;
    private readonly int[] _leading = new int[TileQueries];
    private readonly int _keyLength;
    private double[]? _plainLogits;
    private bool[]? _plainAllowed;

    public ExactScratch(int headDimension, int outputColumns, int keyLength, bool mayHaveGaps)
    {
        _keyLength = keyLength;
        _wordsPerRow = KeyCodes.Blocks(keyLength);
        _words = mayHaveGaps ? new NativeBuffer((long)TileQueries * _wordsPerRow * sizeof(ulong)) : null;
        long queries = (long)TileQueries * headDimension;
        long logits = (long)Rows * BlockKeys;
        long output = (long)TileQueries * outputColumns;
        long rowState = TileQueries * 2L;
        _memory = new NativeBuffer((queries + logits + output + rowState + keyLength + 64) * sizeof(float));
        Queries = _memory.As<float>();
        Logits = Queries + queries;
        Output = Logits + logits;
        RowMax = Output + output;
        RowSum = RowMax + TileQueries;
        BiasRow = RowSum + TileQueries;
    }

    public float* Queries { get; }

    public float* Logits { get; }

    public float* Output { get; }

    public float* RowMax { get; }

    public float* RowSum { get; }

    public float* BiasRow { get; }

    /// <summary>Logits of one row that is computed by plain loops; taken when first wanted.</summary>
    public double[] PlainLogits => _plainLogits ??= new double[_keyLength];

    /// <summary>Which keys that row may see.</summary>
    public bool[] PlainAllowed => _plainAllowed ??= new bool[_keyLength];

    public void Dispose()
    {
        _memory.Dispose();
        _words?.Dispose();
    }

    /// <summary>Keeps the masks of a tile's rows and gives the number of leading keys that any of them may see.</summary>
    public int SelectKeys(AllowedKeys allowed, int head, int firstQuery, int queries)
    {
        int most = 0;
        for (int row = 0; row < queries; row++)
        {
            _leading[row] = allowed.Leading(head, firstQuery + row);
            most = Math.Max(most, _leading[row]);
            if (_words is not null)
            {
                allowed.Words(head, firstQuery + row, Words(row));
            }
        }

        return most;
    }

    /// <summary>Keys beyond these are masked.</summary>
    public int LeadingKeys(int row) => _leading[row];

    public bool Allows(int row, int key) => key < _leading[row] && (_words is null || ((Words(row)[key / 64] >> (key % 64)) & 1) != 0);

    /// <summary>Whether some of these rows may see some of these keys, the first of which begins a block of 64.</summary>
    public bool SeesKeys(int row, int rows, int firstKey, int keys)
    {
        for (int i = row; i < row + rows; i++)
        {
            int end = Math.Min(_leading[i], firstKey + keys);
            if (end > firstKey && (_words is null || new ReadOnlySpan<ulong>(Words(i) + (firstKey / 64), KeyCodes.Blocks(end - firstKey)).ContainsAnyExcept(0UL)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives masked pairs of one row and block the logit -infinity.</summary>
    public void MaskLogits(int row, int firstKey, int keys, float* logits)
    {
        int visible = Math.Clamp(_leading[row] - firstKey, 0, keys);
        new Span<float>(logits + visible, keys - visible).Fill(float.NegativeInfinity);
        if (_words is not null)
        {
            MaskedRows.SetMinusInfinity(logits, Words(row) + (firstKey / 64), visible);
        }
    }

    private ulong* Words(int row) => _words!.As<ulong>() + ((long)row * _wordsPerRow);
}
