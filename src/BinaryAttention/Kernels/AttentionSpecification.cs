// Shape and options of a call with every default filled in: what kernels are chosen by and built from. Holds no operand memory.
namespace BinaryAttention.Kernels;

internal sealed record AttentionSpecification
{
    /// <summary>Sizes; KeyHeadCount is filled in.</summary>
    public required AttentionShape Shape { get; init; }

    public required bool IsBinary { get; init; }

    public required float LogitScale { get; init; }

    public required AttentionBias? Bias { get; init; }

    public required SignWeighting Weighting { get; init; }

    public required ValueQuantization Quantization { get; init; }

    public required int Threads { get; init; }

    /// <summary>Query heads that read one key head.</summary>
    public int HeadsPerKeyHead => Shape.HeadCount / Shape.KeyHeadCount;

    /// <summary>
    /// Whether a row's numerators depend on the Hamming distance alone (operator page, "table mode"): no bias, and one key weight per head.
    /// </summary>
    public bool IsTableMode => IsBinary && Bias is null && (Weighting.Columns is SignWeightingMode.MeanMagnitudePerHead or SignWeightingMode.None);

    /// <summary>Whether probabilities come from a row's numerator tables: table mode with 8-bit probabilities.</summary>
    public bool UsesNumeratorTables => IsTableMode && Quantization != ValueQuantization.Full;

    /// <summary>The (batch, key head) pair that a (batch, query head) pair reads, both counted over all batch items.</summary>
    public int KeyHead(int head) => (head / Shape.HeadCount * Shape.KeyHeadCount) + (head % Shape.HeadCount / HeadsPerKeyHead);
}
