// What one worker of exact attention needs: scaled queries, one block of logits for six rows, and the running maximum, sum and output of every row of its tile.
namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class ExactScratch : IDisposable
{
    public const int Rows = 6;

    /// <summary>Query rows of one work item, a multiple of <see cref="Rows"/>: a block of keys and values is read from the second-level cache once for all of them.</summary>
    public const int TileQueries = 48;

    /// <summary>Keys per block; a multiple of every panel width.</summary>
    public const int BlockKeys = 256;

    private readonly NativeBuffer _memory;

    public ExactScratch(int headDimension, int outputColumns, int keyLength)
    {
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

    public void Dispose() => _memory.Dispose();
}
