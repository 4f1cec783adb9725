// Rate and latency of the instructions that the kernels' budgets rest on: one loop each (MicroLoop), timed by the multiprocessors' own clocks, so that no frequency matters.
// Throughput: one block of 16 warps with 4 chains on every multiprocessor. Latency: one warp with one chain. Clocks of a block: last reading less first; the median over blocks.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Measuring;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal static class GpuQuestions
{
    private const int ThroughputWarps = 16;
    private const int ThroughputChains = 4;
    private const int IterationsPerRepeat = 4;

    public static IEnumerable<GpuRow> Run(CudaDevice device, GpuTimer timer, GpuBenchmarkRequest request, CancellationToken cancellationToken)
    {
        foreach (MicroInstruction instruction in MicroInstructions.All)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return device.ComputeCapabilityNumber < instruction.FirstDevice || device.ComputeCapabilityNumber > instruction.LastDevice
                ? GpuRow.NotMeasured($"instruction {instruction.Name}", $"compute capability {device.ComputeCapability} does not have it natively")
                : Ask(device, timer, instruction, IterationsPerRepeat * request.Repeat);
        }
    }

    private static GpuRow Ask(CudaDevice device, GpuTimer timer, MicroInstruction instruction, int iterations)
    {
        try
        {
            double throughput = Clocks(device, timer, instruction, ThroughputWarps, ThroughputChains, iterations) / ((double)iterations * MicroLoop.Unroll * ThroughputWarps * ThroughputChains);
            double latency = Clocks(device, timer, instruction, 1, 1, iterations) / ((double)iterations * MicroLoop.Unroll);
            return new GpuRow("instruction")
                .With("name", instruction.Name).With("question", instruction.Question)
                .With("clocksPerStep", throughput).With("operationsPerClock", throughput > 0 ? instruction.WorkPerInstruction / throughput : double.NaN).With("latencyClocks", latency)
                .With("warps", ThroughputWarps).With("chains", ThroughputChains).With("iterations", iterations);
        }
        catch (Exception problem) when (problem is CudaException or NotSupportedException)
        {
            return GpuRow.NotMeasured($"instruction {instruction.Name}", problem.Message);
        }
    }

    // Clocks of the median block.
    private static double Clocks(CudaDevice device, GpuTimer timer, MicroInstruction instruction, int warps, int chains, int iterations)
    {
        PrimaryContext context = device.Runtime.Context;
        using var kernel = LoadedKernel.Load(context, MicroLoop.Emit(instruction, warps, chains));
        int threads = 32 * warps;
        int blocks = device.MultiprocessorCount;
        using var results = DeviceMemory.Allocate(context, (long)blocks * threads * MicroLoop.ResultBytes);
        KernelArgument[] arguments = [KernelArgument.U64(results.Address), KernelArgument.U32((uint)iterations), KernelArgument.U32(0)];

        // Once to warm the instruction cache, once to read.
        using (context.Enter())
        {
            kernel.Launch(new LaunchShape((uint)blocks, 1, 1), arguments, timer.Stream.Value);
            kernel.Launch(new LaunchShape((uint)blocks, 1, 1), arguments, timer.Stream.Value);
        }

        timer.Stream.Synchronize();
        ulong[] words = Download(context, results);
        var clocks = new double[blocks];
        for (int block = 0; block < blocks; block++)
        {
            ulong first = ulong.MaxValue;
            ulong last = 0;
            for (int thread = 0; thread < threads; thread++)
            {
                int at = ((block * threads) + thread) * (MicroLoop.ResultBytes / sizeof(ulong));
                first = Math.Min(first, words[at]);
                last = Math.Max(last, words[at + 1]);
            }

            clocks[block] = last >= first ? last - first : double.NaN;
        }

        return Medians.Of(clocks);
    }

    private static unsafe ulong[] Download(PrimaryContext context, DeviceMemory memory)
    {
        var words = new ulong[memory.Bytes / sizeof(ulong)];
        using ContextScope scope = context.Enter();
        fixed (ulong* data = words)
        {
            context.Driver.Check(context.Driver.Table.CopyToHost(data, memory.Address, (nuint)memory.Bytes), "cuMemcpyDtoH_v2");
        }

        return words;
    }
}
