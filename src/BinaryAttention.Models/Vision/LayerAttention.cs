namespace BinaryAttention.Models.Vision;

/// <summary>Which attention one transformer block computes.</summary>
public sealed record LayerAttention
{
    private LayerAttention(BinaryAttentionOptions? binary, EightBitAttentionOptions? eightBit = null) => (Binary, EightBitOptions) = (binary, eightBit);

    /// <summary>Exact softmax attention.</summary>
    public static LayerAttention Exact { get; } = new((BinaryAttentionOptions?)null);

    /// <summary>Signed 8-bit queries and keys, with 8-bit probabilities and values: next to exact attention, and faster.</summary>
    public static LayerAttention EightBit { get; } = EightBitWith(ValueQuantization.Tiled);

    /// <summary>The 8-bit options, null for exact and one-bit attention. Their layout, bias and thread limit are set by the model.</summary>
    public EightBitAttentionOptions? EightBitOptions { get; }

    /// <summary>
    /// The one-bit options, null for exact and 8-bit attention. Their layout, bias and thread limit are set by the model; masks are not used.
    /// </summary>
    public BinaryAttentionOptions? Binary { get; }

    /// <summary>One-bit attention by the codes of a calibrated checkpoint, with 8-bit probabilities and values; exact or 8-bit in the layers that it keeps so.</summary>
    public static LayerAttention Calibrated { get; } = CalibratedWith(ValueQuantization.Tiled);

    /// <summary>Whether the codes of a calibrated checkpoint are used; <see cref="Binary"/> then holds how probabilities and values are held.</summary>
    public bool IsCalibrated { get; private init; }

    /// <summary>Whether the block's relative-position table is added to the logits, if the checkpoint has one. True by default.</summary>
    public bool UseRelativeBias { get; init; } = true;

    /// <summary>Forces a kernel of the backend by name; null lets the backend choose.</summary>
    public string? Kernel { get; init; }

    /// <summary>One-bit attention with the given options.</summary>
    /// <param name="options">Weighting, quantisation, planes, calibration.</param>
    /// <exception cref="ArgumentException">The options carry a bias or a mask, which a model sets by itself.</exception>
    public static LayerAttention OneBit(BinaryAttentionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Bias is not null || options.Mask is not null)
        {
            throw new ArgumentException("options carries a Bias or a Mask; a model takes its bias from the checkpoint and attends to every token. Leave both null.", nameof(options));
        }

        return new LayerAttention(options);
    }

    /// <summary>As <see cref="Calibrated"/>, with the given handling of probabilities and values.</summary>
    /// <param name="quantization">How probabilities and values are held.</param>
    public static LayerAttention CalibratedWith(ValueQuantization quantization) => new(new BinaryAttentionOptions { Quantization = quantization }) { IsCalibrated = true };

    /// <summary>As <see cref="EightBit"/>, with the given handling of probabilities and values.</summary>
    /// <param name="quantization"><see cref="ValueQuantization.Tiled"/> or <see cref="ValueQuantization.Full"/>.</param>
    public static LayerAttention EightBitWith(ValueQuantization quantization) => new(null, new EightBitAttentionOptions { Quantization = quantization });

    /// <summary>One-bit queries and keys with the given handling of probabilities and values.</summary>
    /// <param name="quantization">How probabilities and values are held.</param>
    public static LayerAttention OneBit(ValueQuantization quantization) => new(new BinaryAttentionOptions { Quantization = quantization });
}
