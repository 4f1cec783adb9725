// The output of the device against the CPU's, bit for bit, over a grid of dimensions, lengths, masks, head groups and element types. Outputs are poisoned first; a NaN
// that the CPU does not have is a difference.
using System.Globalization;
using BinaryAttention.Cuda;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal static class GpuCorrectness
{
    private const int BatchSize = 2;
    private const int HeadCount = 4;

    private static readonly (int Query, int Value)[] Dimensions = [(64, 64), (128, 128), (32, 32), (96, 96), (40, 24), (128, 64)];
    private static readonly (int Queries, int Keys)[] Lengths = [(1, 1), (37, 37), (64, 64), (65, 63), (5, 197), (197, 197), (1025, 1025)];
    private static readonly string[] Masks = ["none", "causal", "key-lengths", "causal+key-lengths", "lengths+pairs", "blocks"];

    public static IEnumerable<GpuRow> Run(CudaDevice device, GpuTimer timer, GpuBenchmarkRequest request, CancellationToken cancellationToken)
    {
        int index = 0;
        foreach ((int headDimension, int valueDimension) in Dimensions)
        {
            foreach ((int queries, int keys) in Lengths.Where(pair => Math.Max(pair.Queries, pair.Keys) <= request.CheckLength))
            {
                foreach (string mask in Masks)
                {
                    cancellationToken.ThrowIfCancellationRequested();

                    // Types, groups and weightings take turns over the grid instead of multiplying it.
                    var shape = new AttentionShape(BatchSize, HeadCount, queries, keys, headDimension, valueDimension) { KeyHeadCount = (index % 3) switch { 0 => 4, 1 => 2, _ => 1 } };
                    yield return Compare(device, timer, shape, mask, (CudaElementType)(index % 3), (index / 2 % 4) switch { 0 => SignWeighting.MeanMagnitudePerHead, 1 => SignWeighting.PerTokenQuery, 2 => SignWeighting.None, _ => LearnedRows(shape, request.Seed + index) }, request.Seed + index);
                    index++;
                }
            }
        }
    }

    private static GpuRow Compare(CudaDevice device, GpuTimer timer, in AttentionShape shape, string mask, CudaElementType type, SignWeighting weighting, int seed)
    {
        GpuRow row = new GpuRow("correctness")
            .With("headDimension", shape.HeadDimension).With("valueDimension", shape.ValueDimension).With("queryLength", shape.QueryLength).With("keyLength", shape.KeyLength)
            .With("headCount", shape.HeadCount).With("keyHeadCount", shape.KeyHeadCount).With("mask", mask).With("inputType", type.ToString())
            .With("weighting", string.Create(CultureInfo.InvariantCulture, $"{weighting.Rows}/{weighting.Columns}"));
        try
        {
            var options = new BinaryAttentionOptions { Weighting = weighting, Mask = Mask(mask, shape) };
            var planOptions = new CudaPlanOptions { InputType = type, WantsLogSumExp = true };
            AttentionShape keyShape = shape with { HeadCount = shape.KeyHeadCount, QueryLength = shape.KeyLength };
            float[] query = new GaussianInputs(shape, seed).Query;
            var keyInputs = new GaussianInputs(keyShape, seed + 1);
            foreach (float[] operand in (float[][])[query, keyInputs.Key, keyInputs.Value])
            {
                GpuOperands.RoundTo(operand, type);
            }

            using var plan = CudaAttentionPlan.Create(device, shape, options, planOptions);
            using var operands = new GpuOperands(plan, shape, planOptions, query, keyInputs.Key, keyInputs.Value);
            operands.PoisonOutputs(timer.Stream);
            plan.Enqueue(operands.Operands, new CudaStream(timer.Stream.Value));
            timer.Stream.Synchronize();
            var expected = new float[operands.OutputLength];
            var expectedLogSumExp = new float[operands.LogSumExpLength];
            Attention.BinaryScaledDotProduct(query, keyInputs.Key, keyInputs.Value, expected, shape, options, expectedLogSumExp);
            int differences = Differences(expected, operands.Output());
            return row.With("differences", differences).With("logSumExpDifferences", Differences(expectedLogSumExp, operands.LogSumExp()))
                .With("elements", operands.OutputLength).With("isEqual", differences == 0);
        }
        catch (Exception problem) when (problem is CudaException or NotSupportedException)
        {
            return row.With("isEqual", false).With("problem", problem.Message);
        }
    }

    private static AttentionMask? Mask(string mask, in AttentionShape shape)
    {
        AttentionMask lengths = AttentionMask.Lengths(default, new[] { shape.KeyLength, Math.Max(1, (shape.KeyLength * 2) / 3) });
        return mask switch
        {
            "causal" => AttentionMask.Causal,
            "key-lengths" => lengths,
            "causal+key-lengths" => lengths.And(AttentionMask.Causal),
            "lengths+pairs" => AttentionMask.Lengths(new[] { shape.QueryLength, shape.QueryLength / 2 }, new[] { shape.KeyLength, Math.Max(1, shape.KeyLength / 2) })
                .And(AttentionMask.Boolean(Bits((long)shape.QueryLength * ((shape.KeyLength + 63) / 64), shape.KeyLength))),
            "blocks" => AttentionMask.BlockSparse(Bits((long)((shape.QueryLength + 63) / 64) * ((shape.KeyLength + 63) / 64), shape.KeyLength).Select(static word => (word & 3) != 0).ToArray()),
            _ => null,
        };
    }

    private static ulong[] Bits(long count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, checked((int)count)).Select(_ => (ulong)random.NextInt64())];
    }

    private static SignWeighting LearnedRows(in AttentionShape shape, int seed)
    {
        var random = new Random(seed);
        return SignWeighting.LearnedRows(Enumerable.Range(0, shape.BatchSize * shape.HeadCount * shape.QueryLength).Select(_ => (float)random.NextDouble() - 0.5f).ToArray(), SignWeightingMode.MeanMagnitudePerHead);
    }

    private static int Differences(float[] expected, float[] actual)
    {
        int count = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            bool isEqual = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]) || (float.IsNaN(expected[i]) && float.IsNaN(actual[i]));
            count += isEqual ? 0 : 1;
        }

        return count;
    }
}
