// What one worker needs for a tile: exponentials and their gradients for all selected keys of its rows, the right sides of the products, and sums. O(keyLength) in size.
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class BackwardScratch : IDisposable
{
    private readonly NativeBuffer _memory;

    public BackwardScratch(BackwardPartition partition, int valueDimension, int keyColumns, int valueColumns, bool hasLevels, bool hasSignTables)
    {
        RowStride = Stride(partition);
        long rows = partition.TileRows;
        long pairs = rows * RowStride;
        long elements = Elements(partition, valueDimension, keyColumns, valueColumns, hasLevels, hasSignTables);
        _memory = new NativeBuffer(elements * sizeof(float));
        Exponentials = _memory.As<float>();
        Gradients = Exponentials + pairs;
        Factors = hasLevels ? Gradients + pairs : Exponentials;
        OutputGradient = Exponentials + (pairs * (hasLevels ? 3 : 2));
        ValueSide = OutputGradient + (rows * valueDimension);
        KeySide = ValueSide + (rows * valueColumns);
        QuerySums = KeySide + (rows * keyColumns);
        InverseSum = QuerySums + (rows * keyColumns);
        Mean = InverseSum + rows;
        Signs = Mean + rows;
        Weighted = Signs + SignTables.SignElements;
    }

    /// <summary>Elements from row to row of the pair arrays.</summary>
    public nint RowStride { get; }

    /// <summary><c>exp(logit - shift)</c> per row and selected key; 0 for masked pairs.</summary>
    public float* Exponentials { get; }

    /// <summary>Gradients of the probabilities, then of the logits.</summary>
    public float* Gradients { get; }

    /// <summary>What multiplies the values: the exponentials themselves, or 8-bit levels.</summary>
    public float* Factors { get; }

    /// <summary>Output gradients of the rows, dense; zeros beyond the last row.</summary>
    public float* OutputGradient { get; }

    /// <summary>Output gradients as panels, scaled so that factor times this adds to the value gradients.</summary>
    public float* ValueSide { get; }

    /// <summary>Queries as panels: logit gradient times this adds to the key gradients.</summary>
    public float* KeySide { get; }

    /// <summary>Sums for the query gradients.</summary>
    public float* QuerySums { get; }

    /// <summary>1 / sum of a row's exponentials; 0 for a row that sees no key.</summary>
    public float* InverseSum { get; }

    /// <summary>Sum over a row's keys of probability times its gradient.</summary>
    public float* Mean { get; }

    /// <summary>Signs that make the current tables, where sign tables are used.</summary>
    public float* Signs { get; }

    /// <summary>A chunk of logit gradients times query weights, where these differ and sign tables are used.</summary>
    public float* Weighted { get; }

    public static long Bytes(BackwardPartition partition, int valueDimension, int keyColumns, int valueColumns, bool hasLevels, bool hasSignTables) =>
        Elements(partition, valueDimension, keyColumns, valueColumns, hasLevels, hasSignTables) * sizeof(float);

    public void Dispose() => _memory.Dispose();

    // 64 more bytes than a power of two: rows 4 KiB apart would compete for the same few cache lines when the products read them column by column.
    private static nint Stride(BackwardPartition partition) => partition.PaddedKeys + 16;

    private static long Elements(BackwardPartition partition, int valueDimension, int keyColumns, int valueColumns, bool hasLevels, bool hasSignTables) =>
        (partition.TileRows * (((hasLevels ? 3L : 2L) * Stride(partition)) + valueDimension + valueColumns + (2L * keyColumns) + 2))
        + (hasSignTables ? SignTables.SignElements + (partition.TileRows * (BackwardPartition.ChunkKeys + 16L)) : 0);
}
