// Shape and options of a call with every default filled in: what kernels are chosen by and built from. Holds no operand memory.
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels;

internal sealed record AttentionSpecification
{
    /// <summary>Sizes; KeyHeadCount is filled in.</summary>
    public required AttentionShape Shape { get; init; }

    public required bool IsBinary { get; init; }

    /// <summary>Whether queries and keys are signed 8-bit numbers with a scale per token; <see cref="IsBinary"/> is false then.</summary>
    public bool IsEightBit { get; init; }

    public required float LogitScale { get; init; }

    public required AttentionBias? Bias { get; init; }

    public required SignWeighting Weighting { get; init; }

    public required ValueQuantization Quantization { get; init; }

    public required int Threads { get; init; }

    /// <summary>Whether runs keep threads of their own: plans do, single calls borrow the thread pool's.</summary>
    public bool KeepsThreads { get; init; }

    public KeyMask Mask { get; init; } = KeyMask.None;

    public SignOfZero SignOfZero { get; init; }

    public int QueryPlanes { get; init; } = 1;

    public int KeyPlanes { get; init; } = 1;

    /// <summary>Centring and rotation before the signs are taken, applied by <see cref="CalibratedRun"/> outside the kernels; null for none.</summary>
    public AttentionCalibration? Calibration { get; init; }

    /// <summary>What multiplies the sign products of each query head, <c>[heads]</c>; empty for 1.</summary>
    public ReadOnlyMemory<float> Temperatures { get; init; }

    /// <summary>A second bias, per key and query head, that the enclosing calibrated run owns and fills when keys are set: <c>[batch, heads, keyLength]</c>, pinned; null for none.</summary>
    public float[]? AddedKeyBias { get; init; }

    /// <summary>Threads of an enclosing run, which owns them; null if the run takes its own.</summary>
    public TileLoop? Loop { get; init; }

    public SignSide QuerySide => new(Weighting.Rows, Weighting.RowWeights, QueryPlanes, SignOfZero);

    public SignSide KeySide => new(Weighting.Columns, Weighting.ColumnWeights, KeyPlanes, SignOfZero);

    /// <summary>Whether logits have a bias: the caller's, or one that a calibration will add.</summary>
    public bool HasBias => Bias is not null || AddedKeyBias is not null || Calibration is { QueryCentre.IsEmpty: false };

    /// <summary>A loop for the threads of this call.</summary>
    public TileLoop CreateLoop() => Loop is null ? TileLoop.Create(Threads, KeepsThreads) : new BorrowedLoop(Loop);

    /// <summary>Query heads that read one key head.</summary>
    public int HeadsPerKeyHead => Shape.HeadCount / Shape.KeyHeadCount;

    /// <summary>
    /// Whether a row's numerators depend on the Hamming distance alone (operator page, "table mode"): no bias, one plane a side, and one key weight per head.
    /// </summary>
    public bool IsTableMode => IsBinary && !HasBias && QueryPlanes == 1 && KeyPlanes == 1 && (Weighting.Columns is SignWeightingMode.MeanMagnitudePerHead or SignWeightingMode.None);

    /// <summary>Whether probabilities come from a row's numerator tables: table mode with 8-bit probabilities.</summary>
    public bool UsesNumeratorTables => IsTableMode && Quantization != ValueQuantization.Full;

    /// <summary>The (batch, key head) pair that a (batch, query head) pair reads, both counted over all batch items.</summary>
    public int KeyHead(int head) => (head / Shape.HeadCount * Shape.KeyHeadCount) + (head % Shape.HeadCount / HeadsPerKeyHead);

    /// <summary>Logit scale times temperature of a query head, one float32 product that all kernels share.</summary>
    /// <param name="head">Query head within its batch item.</param>
    public float ScaleOf(int head) => Temperatures.IsEmpty ? LogitScale : LogitScale * Temperatures.Span[head];

    /// <summary>Valid query tokens of a batch item.</summary>
    public int ValidQueries(int batch) => Mask.QueryLengths is { } lengths ? lengths[batch] : Shape.QueryLength;

    /// <summary>Valid key tokens of a batch item.</summary>
    public int ValidKeys(int batch) => Mask.KeyLengths is { } lengths ? lengths[batch] : Shape.KeyLength;

    /// <summary>How many leading keys padding and the causal rule leave a query; 0 for a padded query. Pairs and blocks may mask some of them.</summary>
    public int LeadingKeys(int batch, int query)
    {
        if (query >= ValidQueries(batch))
        {
            return 0;
        }

        int keys = ValidKeys(batch);
        return Mask.IsCausal ? Math.Clamp(query + 1 + Shape.KeyLength - Shape.QueryLength, 0, keys) : keys;
    }
}
