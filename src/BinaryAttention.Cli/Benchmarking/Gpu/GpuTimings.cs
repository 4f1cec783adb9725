// The sweep: attention alone over packed operands, packing alone, both, and a call over host memory with its copies. bfloat16 in and out, as its rivals are timed.
using System.Diagnostics;
using System.Globalization;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Driver;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal static class GpuTimings
{
    // Values repeat with a period that no tile divides; making hundreds of millions of normal numbers would take longer than the measurement.
    private const int NoisePeriod = 1_000_003;

    // Beyond this a call over host memory measures the host's copies alone.
    private const long MaxHostElements = 1L << 27;

    private static readonly CudaPlanOptions Types = new() { InputType = CudaElementType.BFloat16, OutputType = CudaElementType.BFloat16 };

    /// <summary>The shapes of the sweep, smallest first.</summary>
    public static IEnumerable<(AttentionShape Shape, bool IsCausal)> Shapes(GpuBenchmarkRequest request) =>
        from length in request.Lengths.Order()
        from dimension in request.Dimensions
        from isCausal in new[] { false, true }
        select (new AttentionShape(1, request.HeadCount, length, length, dimension, dimension), isCausal);

    public static IEnumerable<GpuRow> Run(CudaDevice device, GpuTimer timer, GpuBenchmarkRequest request, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        float[] noise = Noise(request.Seed);
        foreach ((AttentionShape shape, bool isCausal) in Shapes(request))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string what = string.Create(CultureInfo.InvariantCulture, $"timing N={shape.QueryLength} d={shape.HeadDimension}{(isCausal ? " causal" : string.Empty)}");
            yield return Stopwatch.GetElapsedTime(start).TotalSeconds > request.BudgetSeconds
                ? GpuRow.NotMeasured(what, string.Create(CultureInfo.InvariantCulture, $"the budget of {request.BudgetSeconds} seconds was spent"))
                : Measure(device, timer, request.Repeat, shape, new BinaryAttentionOptions { Mask = isCausal ? AttentionMask.Causal : null }, what, noise, cancellationToken);
        }
    }

    /// <summary>Normal numbers of which operands are made.</summary>
    public static float[] Noise(int seed)
    {
        float[] noise = GaussianInputs.Normal(new Random(seed), NoisePeriod, "noise");
        GpuOperands.RoundTo(noise, Types.InputType);
        return noise;
    }

    /// <summary>One shape.</summary>
    public static GpuRow Measure(CudaDevice device, GpuTimer timer, int repeat, in AttentionShape shape, BinaryAttentionOptions options, string what, float[] noise, CancellationToken cancellationToken)
    {
        try
        {
            using var plan = CudaAttentionPlan.Create(device, shape, options, Types);
            long needed = GpuOperands.Bytes(plan, shape, Types);
            if (needed > FreeBytes(device))
            {
                return GpuRow.NotMeasured(what, string.Create(CultureInfo.InvariantCulture, $"it needs {needed >> 20} MiB of device memory; {FreeBytes(device) >> 20} are free"));
            }

            long heads = (long)shape.BatchSize * shape.HeadCount;
            float[] query = Tile(noise, heads * shape.QueryLength * shape.HeadDimension, 0);
            float[] key = Tile(noise, heads * shape.KeyLength * shape.HeadDimension, 333_331);
            float[] value = Tile(noise, heads * shape.KeyLength * shape.ValueDimension, 666_667);
            using var operands = new GpuOperands(plan, shape, Types, query, key, value);
            CudaOperands pointers = operands.Operands;
            var stream = new CudaStream(timer.Stream.Value);
            (double packing, _) = timer.Measure(repeat, () => plan.EnqueuePacking(pointers, stream), cancellationToken);
            (double attention, double least) = timer.Measure(repeat, () => plan.EnqueueAttention(pointers, stream), cancellationToken);
            (double both, _) = timer.Measure(repeat, () => plan.Enqueue(pointers, stream), cancellationToken);
            bool isCausal = options.Mask is { IsCausal: true };
            double pairs = (double)heads * shape.QueryLength * shape.KeyLength * (isCausal ? 0.5 : 1);
            GpuRow row = new GpuRow("timing")
                .With("batchSize", shape.BatchSize).With("headCount", shape.HeadCount).With("length", shape.QueryLength).With("keyLength", shape.KeyLength).With("headDimension", shape.HeadDimension).With("valueDimension", shape.ValueDimension).With("isCausal", isCausal)
                .With("type", "bfloat16").With("attentionMilliseconds", attention).With("attentionMinMilliseconds", least).With("packingMilliseconds", packing).With("totalMilliseconds", both)
                .With("attentionTeraopsPerSecond", pairs * 2 * (shape.HeadDimension + shape.ValueDimension) / (attention * 1e9));
            return query.LongLength + key.LongLength + value.LongLength <= MaxHostElements ? row.With("hostCallMilliseconds", HostCall(device, shape, options, query, key, value)) : row.With("hostCallMilliseconds", null);
        }
        catch (Exception problem) when (problem is CudaException or NotSupportedException)
        {
            return GpuRow.NotMeasured(what, problem.Message);
        }
    }

    private static double HostCall(CudaDevice device, in AttentionShape shape, BinaryAttentionOptions options, float[] query, float[] key, float[] value)
    {
        const int Runs = 5;
        var backend = new CudaAttentionBackend(device);
        var destination = new float[(long)shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension];
        var milliseconds = new double[Runs];
        backend.BinaryScaledDotProduct(query, key, value, destination, shape, options);
        for (int run = 0; run < Runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            backend.BinaryScaledDotProduct(query, key, value, destination, shape, options);
            milliseconds[run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(milliseconds);
        return milliseconds[Runs / 2];
    }

    private static float[] Tile(float[] noise, long length, int offset)
    {
        var values = new float[length];
        for (long filled = 0; filled < length;)
        {
            int first = (int)((filled + offset) % noise.Length);
            int count = (int)Math.Min(noise.Length - first, length - filled);
            Array.Copy(noise, first, values, filled, count);
            filled += count;
        }

        return values;
    }

    private static unsafe long FreeBytes(CudaDevice device)
    {
        PrimaryContext context = device.Runtime.Context;
        using ContextScope scope = context.Enter();
        nuint free;
        nuint total;
        context.Driver.Check(context.Driver.Table.MemoryGetInfo(&free, &total), "cuMemGetInfo_v2");
        return (long)free;
    }
}
