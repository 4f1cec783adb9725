// Everything that is to be asked of a GPU once, in the order in which an answer decides whether the next one means anything: does its compiler take the kernels, are the
// results right, how fast are they; between them, rate and latency of single instructions, which depend on no result.
using System.Globalization;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal static class GpuBenchmark
{
    /// <summary>What no call of the driver can answer, so that no report looks complete without it.</summary>
    private static readonly (string What, string Why)[] Unanswered =
    [
        ("machine instructions of the one-bit products (xor and and forms)", "the driver does not show them; run cuobjdump -sass over the cached kernels where the CUDA toolkit is installed"),
        ("rival: PyTorch's flash and cuDNN attention", "run benchmarks/peers/gpu_sdpa.py beside this report"),
    ];

    public static IEnumerable<GpuRow> Run(CliContext context, CudaDevice device, GpuBenchmarkRequest request, string command)
    {
        string date = context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        CudaDiscovery gpus = context.Gpus();
        yield return new GpuRow("environment")
            .With("gpu", device.Name).With("computeCapability", device.ComputeCapability.ToString()).With("signProduct", device.SignProduct).With("multiprocessors", device.MultiprocessorCount).With("memoryBytes", device.MemoryBytes)
            .With("cudaDriver", CudaDriver.VersionText(gpus.DriverVersion)).With("cpu", ProcessorName.Read()).With("version", typeof(Attention).Assembly.GetName().Version?.ToString(3))
            .With("date", date).With("command", command);
        foreach (GpuRow row in GpuKernels.Run(device, request, $"{date} {Guid.NewGuid():N}"))
        {
            yield return row;
        }

        using var timer = new GpuTimer(device.Runtime.Context);
        foreach (GpuRow row in GpuQuestions.Run(device, timer, request, context.Cancellation))
        {
            yield return row;
        }

        bool isRight = true;
        foreach (GpuRow row in GpuCorrectness.Run(device, timer, request, context.Cancellation))
        {
            isRight &= row.Text("isEqual") == "yes";
            yield return row;
        }

        if (isRight)
        {
            foreach (GpuRow row in GpuTimings.Run(device, timer, request, context.Cancellation))
            {
                yield return row;
            }
        }
        else
        {
            yield return GpuRow.NotMeasured("all timings", "the results are not right; the time of a wrong result means nothing");
        }

        foreach ((string what, string why) in Unanswered)
        {
            yield return GpuRow.NotMeasured(what, why);
        }
    }
}
