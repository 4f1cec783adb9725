namespace BinaryAttention;

/// <summary>
/// What a calibration found for one layer, applied before the signs are taken: <c>sign(R (q - queryCentre))</c>, <c>sign(R (k - keyCentre))</c>,
/// with the logits of each head multiplied by its temperature. Empty members are not applied.
/// </summary>
public sealed record AttentionCalibration
{
    /// <summary>Query means <c>[heads, headDimension]</c>.</summary>
    public ReadOnlyMemory<float> QueryCentre { get; init; }

    /// <summary>Key means <c>[keyHeads, headDimension]</c>.</summary>
    public ReadOnlyMemory<float> KeyCentre { get; init; }

    /// <summary>Rotations <c>[keyHeads, headDimension, headDimension]</c>, row-major.</summary>
    public ReadOnlyMemory<float> Rotation { get; init; }

    /// <summary>Logit temperatures <c>[heads]</c>.</summary>
    public ReadOnlyMemory<float> Temperature { get; init; }
}
