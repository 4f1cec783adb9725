// From checked shapes and options to a specification. Refuses options that the call does not take or that are out of range, by name: never a silent other result.
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels;

internal static class SpecificationBuilder
{
    // More threads than processors only take memory; a few more than this machine has keep results of other machines reproducible in tests.
    private const int MostThreads = 16;

    // 255 * 127 * 65,536 is below 2^31: a query level is multiplied as an unsigned byte.
    private const int MostEightBitChannels = 65_536;

    public static AttentionSpecification Build(in AttentionShape shape, AttentionOptions options, bool isBinary)
    {
        if (!isBinary && options is BinaryAttentionOptions)
        {
            throw new ArgumentException("options is a BinaryAttentionOptions, but ScaledDotProduct computes exact attention. Call BinaryScaledDotProduct, or pass an AttentionOptions.", nameof(options));
        }

        if (options is EightBitAttentionOptions)
        {
            throw new ArgumentException("options is an EightBitAttentionOptions, which EightBitScaledDotProduct and AttentionPlan alone compute; it has no gradients. Call EightBitScaledDotProduct, or pass an AttentionOptions.", nameof(options));
        }

        CheckCommon(options, shape);
        var binary = options as BinaryAttentionOptions;
        if (binary is not null)
        {
            CheckBinary(binary, shape);
        }

        AttentionCalibration? calibration = binary?.Calibration;
        float logitScale = options.LogitScale ?? (float)(1.0 / Math.Sqrt(shape.HeadDimension));
        if (calibration is not null)
        {
            WeightChecks.Temperatures(calibration.Temperature.Span, logitScale);
        }

        return new AttentionSpecification
        {
            Shape = shape,
            IsBinary = isBinary,
            LogitScale = logitScale,
            Bias = options.Bias,
            Weighting = binary?.Weighting ?? SignWeighting.MeanMagnitudePerHead,
            Quantization = isBinary ? binary?.Quantization ?? ValueQuantization.Tiled : ValueQuantization.Full,
            Threads = ThreadsOf(options),
            Mask = MaskChecks.Check(options.Mask, shape),
            SignOfZero = binary?.SignOfZero ?? SignOfZero.Positive,
            QueryPlanes = binary?.QueryPlanes ?? 1,
            KeyPlanes = binary?.KeyPlanes ?? 1,
            Calibration = calibration is { MovesOperands: true } ? calibration : null,
            Temperatures = calibration?.Temperature ?? default,
        };
    }

    /// <summary>The specification of the attention that the options' type names.</summary>
    public static AttentionSpecification Build(in AttentionShape shape, AttentionOptions options) =>
        options is EightBitAttentionOptions eightBit ? BuildEightBit(shape, eightBit) : Build(shape, options, options is BinaryAttentionOptions);

    /// <summary>The specification of 8-bit attention.</summary>
    public static AttentionSpecification BuildEightBit(in AttentionShape shape, EightBitAttentionOptions options)
    {
        CheckCommon(options, shape);
        if (options.Quantization is not (ValueQuantization.Tiled or ValueQuantization.Full))
        {
            throw new ArgumentException($"Quantization is {options.Quantization}; 8-bit attention takes Tiled or Full. TrainingParity reproduces one-bit training code and has no 8-bit form.", nameof(options));
        }

        if (shape.HeadDimension > MostEightBitChannels)
        {
            throw new ArgumentException($"headDimension is {shape.HeadDimension}; the 32-bit sums of 8-bit attention hold at most {MostEightBitChannels} channels. Call ScaledDotProduct.", nameof(options));
        }

        return new AttentionSpecification
        {
            Shape = shape,
            IsBinary = false,
            IsEightBit = true,
            LogitScale = options.LogitScale ?? (float)(1.0 / Math.Sqrt(shape.HeadDimension)),
            Bias = options.Bias,
            Weighting = SignWeighting.MeanMagnitudePerToken,
            Quantization = options.Quantization,
            Threads = ThreadsOf(options),
            Mask = MaskChecks.Check(options.Mask, shape),
        };
    }

    private static int ThreadsOf(AttentionOptions options) => Math.Min(options.MaxDegreeOfParallelism ?? Environment.ProcessorCount, Math.Max(MostThreads, Environment.ProcessorCount));

    private static void CheckCommon(AttentionOptions options, in AttentionShape shape)
    {
        if (options.LogitScale is { } scale && !float.IsFinite(scale))
        {
            throw new ArgumentException($"LogitScale is {scale}; it must be finite.", nameof(options));
        }

        if (options.MaxDegreeOfParallelism is { } degree && degree < 1)
        {
            throw new ArgumentException($"MaxDegreeOfParallelism is {degree}; it must be at least 1, or null for one thread per processor.", nameof(options));
        }

        if (options.Layout is not (TensorLayout.HeadTokenDimension or TensorLayout.TokenHeadDimension))
        {
            throw new ArgumentException($"Layout is {options.Layout}; expected HeadTokenDimension or TokenHeadDimension.", nameof(options));
        }

        if (options.Bias is { } bias)
        {
            ShapeChecks.Bias(bias, shape);
        }
    }

    private static void CheckBinary(BinaryAttentionOptions options, in AttentionShape shape)
    {
        if (options.Weighting is null)
        {
            throw new ArgumentException("Weighting is null; expected a SignWeighting such as SignWeighting.MeanMagnitudePerHead.", nameof(options));
        }

        if (options.Quantization is not (ValueQuantization.Tiled or ValueQuantization.TrainingParity or ValueQuantization.Full))
        {
            throw new ArgumentException($"Quantization is {options.Quantization}; expected Tiled, TrainingParity or Full.", nameof(options));
        }

        if (options.SignOfZero is not (SignOfZero.Positive or SignOfZero.Negative))
        {
            throw new ArgumentException($"SignOfZero is {options.SignOfZero}; expected Positive or Negative.", nameof(options));
        }

        CheckPlanes(options.QueryPlanes, options.Weighting.Rows, nameof(options.QueryPlanes), nameof(options.Weighting.Rows));
        CheckPlanes(options.KeyPlanes, options.Weighting.Columns, nameof(options.KeyPlanes), nameof(options.Weighting.Columns));
        WeightChecks.Learned(options.Weighting, shape);
        if (options.Calibration is { } calibration)
        {
            WeightChecks.Calibration(calibration, shape);
        }
    }

    private static void CheckPlanes(int planes, SignWeightingMode mode, string name, string side)
    {
        if (planes is not (1 or 2))
        {
            throw new ArgumentException($"{name} is {planes}; it must be 1 or 2.", "options");
        }

        // The second plane holds what a * sign leaves over, with a the mean magnitude; other weights do not say what is left.
        if (planes == 2 && mode is not (SignWeightingMode.MeanMagnitudePerHead or SignWeightingMode.MeanMagnitudePerToken))
        {
            throw new ArgumentException($"{name} is 2 and Weighting.{side} is {mode}; a second plane needs mean magnitudes. Use MeanMagnitudePerHead or MeanMagnitudePerToken, or one plane.", "options");
        }
    }
}
