// What one worker needs while it computes six query rows: their lookup tables, distance (later probability) rows, 32-bit sums and, in the modes that want them, float rows.
using BinaryAttention.Bits;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class BinaryScratch : IDisposable
{
    /// <summary>Query rows computed together.</summary>
    public const int Rows = 6;

    /// <summary>Keys that the integer product takes at a time: six rows of probabilities and two panels of values then stay in the first-level cache.</summary>
    public const int ChunkKeys = 2048;

    /// <summary>Entries of a numerator table where distances are bytes.</summary>
    public const int TableEntries = 256;

    private readonly NativeBuffer _memory;
    private double _tableSlope = double.NaN;
    private int _lastEntry;

    public BinaryScratch(AttentionSpecification specification, in ValueLayout layout, int queryTableBytes, bool needsWords, int floatColumns, int selectedRows = Rows)
    {
        int padded = KeyCodes.Blocks(specification.Shape.KeyLength) * KeyCodes.BlockKeys;
        bool hasLongDistances = specification.Shape.HeadDimension > BinaryRunLimits.ByteDistances;
        int planePairs = specification.QueryPlanes * specification.KeyPlanes;
        bool mayHaveGaps = specification.Mask.HasGaps;
        bool manyKeys = specification.Shape.KeyLength > IntegerProduct<System.Runtime.Intrinsics.Vector128<int>, IntegerLanes128>.MaxKeys;
        var plan = new Sizes();
        long tables = plan.Take(Rows * (long)queryTableBytes);
        long distances = plan.Take(planePairs * Rows * (long)padded);
        long longDistances = plan.Take(hasLongDistances ? planePairs * Rows * (long)padded * sizeof(int) : 0);
        long words = plan.Take(needsWords ? Rows * (long)Math.Min(ChunkKeys, padded) * sizeof(ushort) : 0);
        long sums = plan.Take(Rows * (long)layout.PaddedChannels * sizeof(int));
        long longSums = plan.Take(manyKeys ? Rows * (long)layout.PaddedChannels * sizeof(long) : 0);
        TableLength = hasLongDistances ? specification.Shape.HeadDimension + 1 : TableEntries;
        long numerators = plan.Take(TableLength);
        long residuals = plan.Take(TableLength);
        long longCounts = plan.Take(hasLongDistances ? TableLength * (long)sizeof(int) : 0);
        long logits = plan.Take(!specification.UsesNumeratorTables ? (long)padded * sizeof(float) : 0);
        long bias = plan.Take(!specification.UsesNumeratorTables ? (long)padded * sizeof(float) : 0);
        long selectedBias = plan.Take(!specification.UsesNumeratorTables && mayHaveGaps ? (long)padded * sizeof(float) : 0);
        long selectedWeights = plan.Take(!specification.UsesNumeratorTables && mayHaveGaps ? specification.KeyPlanes * (long)padded * sizeof(float) : 0);
        bool full = specification.Quantization == ValueQuantization.Full;
        long floatRows = plan.Take(full ? Rows * (long)padded * sizeof(float) : 0);
        long floatSums = plan.Take(full ? Rows * (long)floatColumns * sizeof(float) : 0);
        _memory = new NativeBuffer(plan.Total);
        PaddedKeys = padded;
        Selection = new KeySelection(specification.Shape.KeyLength, mayHaveGaps, selectedRows);
        QueryTables = _memory.Pointer + tables;
        Distances = _memory.Pointer + distances;
        LongDistances = (int*)(_memory.Pointer + longDistances);
        Words = (ushort*)(_memory.Pointer + words);
        Sums = (int*)(_memory.Pointer + sums);
        LongSums = manyKeys ? (long*)(_memory.Pointer + longSums) : null;
        Numerators = _memory.Pointer + numerators;
        Residuals = (sbyte*)(_memory.Pointer + residuals);
        LongCounts = (int*)(_memory.Pointer + longCounts);
        Logits = (float*)(_memory.Pointer + logits);
        BiasRow = (float*)(_memory.Pointer + bias);
        SelectedBias = (float*)(_memory.Pointer + selectedBias);
        SelectedWeights = (float*)(_memory.Pointer + selectedWeights);
        FloatRows = (float*)(_memory.Pointer + floatRows);
        FloatSums = (float*)(_memory.Pointer + floatSums);
    }

    /// <summary>Elements from row to row: all keys, padded to whole blocks.</summary>
    public int PaddedKeys { get; }

    /// <summary>The keys that the current rows work on.</summary>
    public KeySelection Selection { get; }

    /// <summary>Six queries' tables, <c>[query][plane][entries]</c>.</summary>
    public byte* QueryTables { get; }

    /// <summary>Six rows of <see cref="PaddedKeys"/> bytes per pair of planes: distances, then probabilities in place of the first pair's.</summary>
    public byte* Distances { get; }

    /// <summary>Six rows of 32-bit distances per pair of planes, where a byte does not hold them.</summary>
    public int* LongDistances { get; }

    /// <summary>Six rows of <see cref="ChunkKeys"/> probabilities widened to 16 bits, for products that want them.</summary>
    public ushort* Words { get; }

    public int* Sums { get; }

    /// <summary>Six rows of 64-bit sums, or null where 32 bits hold a row.</summary>
    public long* LongSums { get; }

    /// <summary>Entries of the two tables: all distances, at least <see cref="TableEntries"/>.</summary>
    public int TableLength { get; }

    public byte* Numerators { get; }

    public sbyte* Residuals { get; }

    /// <summary>How many keys lie at each distance, where distances exceed a byte.</summary>
    public int* LongCounts { get; }

    public float* Logits { get; }

    public float* BiasRow { get; }

    /// <summary>A bias row's selected keys, where they are not the leading ones.</summary>
    public float* SelectedBias { get; }

    /// <summary>Selected key weights plane by plane, where they are not the leading ones.</summary>
    public float* SelectedWeights { get; }

    public float* FloatRows { get; }

    public float* FloatSums { get; }

    public void Dispose()
    {
        _memory.Dispose();
        Selection.Dispose();
    }

    /// <summary>Makes the numerator and residual tables those of a slope (kept while the slope stays the same) and gives the last index that is not 0.</summary>
    public int SetNumerators(double slope, int entries)
    {
        if (slope != _tableSlope)
        {
            _tableSlope = slope;
            NumeratorTable.Fill(slope, new Span<byte>(Numerators, entries), new Span<sbyte>(Residuals, entries));
            _lastEntry = LastEntry(entries);
        }

        return _lastEntry;
    }

    /// <summary>Makes the numerator table that of normalised probabilities, residuals 0, and gives the last index that is not 0.</summary>
    public int SetProbabilities(double slope, double rowSum, int entries)
    {
        NumeratorTable.FillProbabilities(slope, rowSum, new Span<byte>(Numerators, entries));
        return LastEntry(entries);
    }

    private int LastEntry(int entries) => Math.Max(
        new ReadOnlySpan<byte>(Numerators, entries).LastIndexOfAnyExcept((byte)0),
        new ReadOnlySpan<sbyte>(Residuals, entries).LastIndexOfAnyExcept((sbyte)0));

    // Offsets of parts laid one after another, each on its own cache line.
    private struct Sizes
    {
        public long Total { get; private set; }

        public long Take(long bytes)
        {
            long offset = Total;
            Total += (bytes + 63) & ~63L;
            return offset;
        }
    }
}
