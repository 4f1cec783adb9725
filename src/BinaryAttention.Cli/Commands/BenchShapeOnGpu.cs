// bench attention --device cuda: one shape by the clock of the GPU. 'bench gpu' checks the device first and sweeps.
using System.Globalization;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Benchmarking.Gpu;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cuda;

namespace BinaryAttention.Cli.Commands;

internal static class BenchShapeOnGpu
{
    private static readonly string[] Columns = [">attentionMilliseconds", ">attentionMinMilliseconds", ">packingMilliseconds", ">totalMilliseconds", ">hostCallMilliseconds", ">attentionTeraopsPerSecond"];

    public static int Run(CliContext context, bool json, BenchmarkRequest request)
    {
        CudaDevice device = DeviceChoice.Gpu(context, "--device cuda", "Leave --device out to time the CPU.");
        if (!request.RunsBinary)
        {
            throw new BadInputException("--operation asks for exact or 8-bit attention, but the GPU has one-bit attention alone. Give --operation binary, or leave --device out.");
        }

        if (request.Kernels.Count > 0)
        {
            throw new BadInputException("--kernels names kernels of the CPU; leave it out with --device cuda.");
        }

        AttentionShape shape = request.Shape;
        var options = new BinaryAttentionOptions
        {
            Bias = BenchmarkBias.Create(request.Bias, shape, request.Seed + 1),
            Weighting = BenchmarkWeighting.Create(request.Weighting, shape, request.Seed + 3),
            Quantization = CommonOptions.Quantization(request.Quantization),
        };
        if (new CudaAttentionBackend(device).WhyNot(shape, options) is { } reason)
        {
            throw new BadInputException($"--device cuda cannot run this call: {reason}.");
        }

        using var timer = new GpuTimer(device.Runtime.Context);
        GpuRow row = GpuTimings.Measure(device, timer, request.Repeat, shape, options, "timing", GpuTimings.Noise(request.Seed), context.Cancellation)
            .With("weighting", request.Weighting).With("repeat", request.Repeat).With("gpu", device.Name)
            .With("date", context.Time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        if (row.Kind != "timing")
        {
            context.Report($"not measured: {row.Text("why")}");
            return ExitCodes.Failure;
        }

        if (json)
        {
            JsonLine.Write(context.Output, row.Write);
        }
        else
        {
            string title = string.Create(CultureInfo.InvariantCulture, $"{device.Name}: {shape.BatchSize} x {shape.HeadCount} heads x {shape.QueryLength} queries x {shape.KeyLength} keys x {shape.HeadDimension}, bfloat16");
            NumberTable.Write(Terminal.ForOutput(context), title, Columns, [[.. Columns.Select(column => row.Text(column.TrimStart('>')))]]);
        }

        return ExitCodes.Success;
    }
}
