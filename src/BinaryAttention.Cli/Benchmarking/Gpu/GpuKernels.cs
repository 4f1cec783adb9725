// The first question for any GPU: does its compiler take every kernel, with how many registers, and does anything spill? Every variant is compiled twice, once under a
// comment that no cache has seen and once again, which is the time of the driver's cache.
using System.Globalization;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal static class GpuKernels
{
    public static IEnumerable<GpuRow> Run(CudaDevice device, GpuBenchmarkRequest request, string nonce)
    {
        var seen = new HashSet<PtxModule>();
        foreach ((string variant, CudaSpecification specification) in Variants(request))
        {
            if (specification.WhyNot(device.ComputeCapabilityNumber) is { } reason)
            {
                yield return GpuRow.NotMeasured($"kernels {variant}", reason);
                continue;
            }

            foreach (AttentionStep step in AttentionProgram.For(specification, device.ComputeCapabilityNumber).Steps)
            {
                // Many variants share their packing kernels.
                if (seen.Add(step.Module))
                {
                    yield return Compile(device, variant, step, nonce);
                }
            }
        }
    }

    private static IEnumerable<(string Variant, CudaSpecification Specification)> Variants(GpuBenchmarkRequest request)
    {
        foreach (int dimension in request.Dimensions)
        {
            CudaSpecification plain = CudaSpecification.Dense(new AttentionShape(1, 4, 1024, 1024, dimension, dimension));
            string name = string.Create(CultureInfo.InvariantCulture, $"d={dimension}");
            foreach (CudaElement type in (CudaElement[])[CudaElement.Float32, CudaElement.Float16, CudaElement.BFloat16])
            {
                yield return ($"{name} {type}", plain with { InputType = type, OutputType = type });
            }

            yield return ($"{name} causal", plain with { IsCausal = true });
            yield return ($"{name} key lengths", plain with { HasKeyLengths = true });
            yield return ($"{name} causal, key lengths, log-sum-exp", plain with { IsCausal = true, HasKeyLengths = true, WantsLogSumExp = true });
            yield return ($"{name} per-token queries", plain with { Rows = SignWeightingMode.MeanMagnitudePerToken });
            yield return ($"{name} learned rows", plain with { Rows = SignWeightingMode.Learned, Columns = SignWeightingMode.None });
            yield return ($"{name} learned weights", plain with { Rows = SignWeightingMode.Learned, Columns = SignWeightingMode.Learned });
            yield return ($"{name} dense bias", plain with { Bias = CudaBiasKind.Dense });
            yield return ($"{name} relative-position bias", plain with { Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(32, 32, false, 4) });
            yield return ($"{name} query lengths", plain with { HasQueryLengths = true });
            yield return ($"{name} boolean mask", plain with { HasPairs = true });
            yield return ($"{name} block mask", plain with { HasBlocks = true });
            yield return ($"{name} no weights", plain with { Rows = SignWeightingMode.None, Columns = SignWeightingMode.None });
        }
    }

    private static GpuRow Compile(CudaDevice device, string variant, AttentionStep step, string nonce)
    {
        GpuRow row = new GpuRow("kernel").With("variant", variant).With("step", step.Name).With("entryPoint", step.Module.EntryPoint);
        PtxModule unseen = step.Module with { Source = $"{step.Module.Source}\n// {nonce}\n" };
        try
        {
            using var cold = LoadedKernel.Load(device.Runtime.Context, unseen);
            using var cached = LoadedKernel.Load(device.Runtime.Context, unseen);
            return row.With("isAccepted", true)
                .With("registers", cold.Registers).With("localBytes", cold.LocalBytes).With("sharedBytes", cold.StaticSharedBytes + step.Module.DynamicSharedBytes)
                .With("threads", step.Module.ThreadsPerBlock).With("blocksPerMultiprocessor", cold.BlocksPerMultiprocessor)
                .With("coldMilliseconds", cold.LoadMilliseconds).With("cachedMilliseconds", cached.LoadMilliseconds).With("compilerLog", cold.CompilerLog);
        }
        catch (CudaException problem)
        {
            return row.With("isAccepted", false).With("problem", problem.Message);
        }
    }
}
