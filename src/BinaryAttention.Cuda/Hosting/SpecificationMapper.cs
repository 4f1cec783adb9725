// From a checked call to what the kernels are emitted from. Options that no CUDA kernel has are refused with the option's name and a way out: never a silent other
// result, never a silent fallback.
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Kernels;

namespace BinaryAttention.Cuda.Hosting;

internal static class SpecificationMapper
{
    /// <summary>The name by which <see cref="AttentionOptions.Kernel"/> may ask for these kernels.</summary>
    public const string KernelName = "cuda";

    private const string OnTheCpu = "run the call on the CPU (Attention.BinaryScaledDotProduct)";

    /// <summary>The specification without strides and element types, which the caller fills in.</summary>
    /// <param name="call">The checked call.</param>
    /// <param name="kernel">The kernel that the options force, or null.</param>
    /// <param name="wantsLogSumExp">Whether the row log-sum-exp is wanted.</param>
    public static CudaSpecification Map(AttentionSpecification call, string? kernel, bool wantsLogSumExp)
    {
        if (WhyNot(call, kernel) is { } reason)
        {
            throw new NotSupportedException($"{reason}.");
        }

        return CudaSpecification.Dense(call.Shape) with
        {
            LogitScale = call.LogitScale,
            Rows = call.Weighting.Rows,
            Columns = call.Weighting.Columns,
            SignOfZero = call.SignOfZero,
            IsCausal = call.Mask.IsCausal,
            HasKeyLengths = call.Mask.KeyLengths is not null,
            HasQueryLengths = call.Mask.QueryLengths is not null,
            HasPairs = !call.Mask.Pairs.IsEmpty,
            HasPairsPerHead = !call.Mask.Pairs.IsEmpty && call.Mask.Pairs.Length != call.Shape.QueryLength * TileLayout.ValueTiles(call.Shape.KeyLength),
            HasBlocks = !call.Mask.Blocks.IsEmpty,
            HasBlocksPerHead = !call.Mask.Blocks.IsEmpty && call.Mask.Blocks.Length != TileLayout.ValueTiles(call.Shape.QueryLength) * TileLayout.ValueTiles(call.Shape.KeyLength),
            WantsLogSumExp = wantsLogSumExp,
            Bias = call.Bias switch
            {
                null => CudaBiasKind.None,
                { Kind: AttentionBiasKind.PerKey } => CudaBiasKind.PerKey,
                { Kind: AttentionBiasKind.RelativePosition } => CudaBiasKind.RelativePosition,
                _ => CudaBiasKind.Dense,
            },
            Grid = call.Bias is { Kind: AttentionBiasKind.RelativePosition } relative ? new RelativeGrid(relative.GridHeight, relative.GridWidth, relative.HasClassToken, relative.HeadCount) : default,
            BiasStrides = BiasStrides(call.Bias),
        };
    }

    /// <summary>Refuses what the kernels do not take on a device.</summary>
    public static void Require(CudaSpecification specification, CudaDevice device)
    {
        device.RequireUsable();
        if (specification.WhyNot(device.ComputeCapabilityNumber) is { } reason)
        {
            throw new NotSupportedException($"{Sentence(reason)}; {OnTheCpu}.");
        }
    }

    /// <summary>The option that no CUDA kernel has, with a remedy, or null.</summary>
    public static string? WhyNot(AttentionSpecification call, string? kernel)
    {
        if (kernel is not null && kernel != KernelName)
        {
            return $"AttentionOptions.Kernel forces \"{kernel}\", which is no CUDA kernel; leave Kernel null or set it to \"{KernelName}\"";
        }

        if (call.Quantization != ValueQuantization.Tiled)
        {
            return $"Quantization is {call.Quantization}; the CUDA kernels compute ValueQuantization.Tiled; set that, or {OnTheCpu}";
        }

        if (call.Bias is { Kind: AttentionBiasKind.LowRank })
        {
            return $"Bias is LowRank; the CUDA kernels take PerKey, Dense and RelativePosition; give its values as AttentionBias.Dense, or {OnTheCpu}";
        }

        if (call.QueryPlanes != 1 || call.KeyPlanes != 1)
        {
            return $"QueryPlanes is {call.QueryPlanes} and KeyPlanes {call.KeyPlanes}; the CUDA kernels take one plane on each side; set both to 1, or {OnTheCpu}";
        }

        return call.Calibration is not null || !call.Temperatures.IsEmpty || call.AddedKeyBias is not null
            ? $"Calibration is set; the CUDA kernels take none; leave it out, or {OnTheCpu}"
            : null;
    }

    /// <summary>Strides of the bias as the caller holds it; what is shared is not stepped over.</summary>
    private static OperandStrides? BiasStrides(AttentionBias? bias)
    {
        if (bias is null or { Kind: AttentionBiasKind.RelativePosition })
        {
            return null;
        }

        long row = bias.Kind == AttentionBiasKind.PerKey ? 0 : bias.KeyLength;
        long head = bias.Kind == AttentionBiasKind.PerKey ? bias.KeyLength : (long)bias.QueryLength * bias.KeyLength;
        return new OperandStrides(bias.BatchSize == 1 ? 0 : head * bias.HeadCount, bias.HeadCount == 1 ? 0 : head, row);
    }

    private static string Sentence(string reason) => string.Concat(reason[..1].ToUpperInvariant(), reason.AsSpan(1));
}
