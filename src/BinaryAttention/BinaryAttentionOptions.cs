namespace BinaryAttention;

/// <summary>Options of one-bit attention.</summary>
public sealed record BinaryAttentionOptions : AttentionOptions
{
    /// <summary>What multiplies the sign dot products; per-head mean magnitudes by default.</summary>
    public SignWeighting Weighting { get; init; } = SignWeighting.MeanMagnitudePerHead;

    /// <summary>How probabilities and values are held; <see cref="ValueQuantization.Tiled"/> by default.</summary>
    public ValueQuantization Quantization { get; init; }

    /// <summary>The sign of an exact zero.</summary>
    public SignOfZero SignOfZero { get; init; }

    /// <summary>Sign planes per query, 1 or 2: the second plane holds the signs of what the first leaves over.</summary>
    public int QueryPlanes { get; init; } = 1;

    /// <summary>Sign planes per key, 1 or 2.</summary>
    public int KeyPlanes { get; init; } = 1;

    /// <summary>Centring, rotation and temperature found by calibration; none if null.</summary>
    public AttentionCalibration? Calibration { get; init; }
}
