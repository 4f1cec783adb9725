// From checked shapes and options to a specification. Refuses options that the call does not take, are out of range, or are not built yet,
// by name: never a silent other result.
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels;

internal static class SpecificationBuilder
{
    public static AttentionSpecification Build(in AttentionShape shape, AttentionOptions options, bool isBinary)
    {
        if (!isBinary && options is BinaryAttentionOptions)
        {
            throw new ArgumentException("options is a BinaryAttentionOptions, but ScaledDotProduct computes exact attention. Call BinaryScaledDotProduct, or pass an AttentionOptions.", nameof(options));
        }

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

        RefuseMask(options.Mask);
        if (options.Bias is { } bias)
        {
            if (bias.Kind == AttentionBiasKind.LowRank)
            {
                throw new NotSupportedException("Bias of kind LowRank is not supported yet. Form the dense bias, or use a per-key or relative-position bias.");
            }

            ShapeChecks.Bias(bias, shape);
        }

        var binary = options as BinaryAttentionOptions;
        if (binary is not null)
        {
            Refuse(binary);
        }

        return new AttentionSpecification
        {
            Shape = shape,
            IsBinary = isBinary,
            LogitScale = options.LogitScale ?? (float)(1.0 / Math.Sqrt(shape.HeadDimension)),
            Bias = options.Bias,
            Weighting = binary?.Weighting ?? SignWeighting.MeanMagnitudePerHead,
            Quantization = isBinary ? binary?.Quantization ?? ValueQuantization.Tiled : ValueQuantization.Full,
            Threads = options.MaxDegreeOfParallelism ?? Environment.ProcessorCount,
        };
    }

    private static void RefuseMask(AttentionMask? mask)
    {
        string? part = mask switch
        {
            null => null,
            { IsCausal: true } => "Causal",
            { QueryLengths.IsEmpty: false } => "QueryLengths",
            { KeyLengths.IsEmpty: false } => "KeyLengths",
            { AllowedPairs.IsEmpty: false } => "AllowedPairs",
            { AllowedBlocks.IsEmpty: false } => "AllowedBlocks",
            _ => null,
        };
        if (part is not null)
        {
            throw new NotSupportedException($"Mask.{part} is not supported yet. Use a dense bias with -infinity for masked pairs.");
        }
    }

    private static void Refuse(BinaryAttentionOptions options)
    {
        if (options.Weighting is null)
        {
            throw new ArgumentException("Weighting is null; expected a SignWeighting such as SignWeighting.MeanMagnitudePerHead.", nameof(options));
        }

        if (options.Weighting.Rows == SignWeightingMode.Learned || options.Weighting.Columns == SignWeightingMode.Learned)
        {
            throw new NotSupportedException("Weighting Learned is not supported yet. Use MeanMagnitudePerHead, MeanMagnitudePerToken or None.");
        }

        if (options.Quantization is not (ValueQuantization.Tiled or ValueQuantization.TrainingParity or ValueQuantization.Full))
        {
            throw new ArgumentException($"Quantization is {options.Quantization}; expected Tiled, TrainingParity or Full.", nameof(options));
        }

        if (options.SignOfZero is not (SignOfZero.Positive or SignOfZero.Negative))
        {
            throw new ArgumentException($"SignOfZero is {options.SignOfZero}; expected Positive or Negative.", nameof(options));
        }

        if (options.SignOfZero == SignOfZero.Negative)
        {
            throw new NotSupportedException("SignOfZero.Negative is not supported yet. Use SignOfZero.Positive.");
        }

        Planes(options.QueryPlanes, nameof(options.QueryPlanes));
        Planes(options.KeyPlanes, nameof(options.KeyPlanes));
        if (options.Calibration is not null)
        {
            throw new NotSupportedException("Calibration is not supported yet. Centre and rotate queries and keys before the call.");
        }
    }

    private static void Planes(int planes, string name)
    {
        if (planes is not (1 or 2))
        {
            throw new ArgumentException($"{name} is {planes}; it must be 1 or 2.", "options");
        }

        if (planes == 2)
        {
            throw new NotSupportedException($"{name} = 2 is not supported yet. Use 1.");
        }
    }
}
