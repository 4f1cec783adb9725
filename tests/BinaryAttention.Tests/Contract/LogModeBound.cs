// What a kernel may do in log mode (operator page):
//   Tiled:           its error against exact softmax of the binary logits is at most 1.1 times that of ideal Tiled arithmetic (the reference's)
//   TrainingParity:  only probabilities that lie next to a half may land on the other level, which bounds every output
// and in Full mode and exact attention on cases that the tolerance rule cannot judge (few rows, large logits): what rounding of the logits can do.
using BinaryAttention.Quantization;
using BinaryAttention.Reference;
using TestKit.Attention;

namespace BinaryAttention.Tests.Contract;

internal static class LogModeBound
{
    private const double AllowedRatio = 1.1;

    private const int ChunkKeys = 2048;

    // Float32 logits of size L are off by up to about 2^-24 L per rounding, a few roundings each, and so are the exponentials relatively. 2^-21 (1 + L) leaves room for three roundings of the
    // logit, the exponential's own two units and the rounded epilogue.
    private static readonly double RelativeRounding = Math.Pow(2, -21);

    /// <summary>Null if the results obey the rule, else what they break.</summary>
    public static string? TiledViolation(ReferenceInputs inputs, AttentionResult exact, AttentionResult ideal, AttentionResult actual) => TiledViolation(inputs, exact, ideal, actual, AllowedRatio);

    /// <summary>The same for one case out of very many, some of them with a handful of outputs: the norms of two independent rounding errors over n numbers differ by about 1 / sqrt(n) of themselves by chance, and the
    /// unluckiest of 20,000 cases by four times that.</summary>
    public static string? SampledTiledViolation(ReferenceInputs inputs, AttentionResult exact, AttentionResult ideal, AttentionResult actual) =>
        TiledViolation(inputs, exact, ideal, actual, AllowedRatio * (1 + (4 / Math.Sqrt(exact.Output.Length))));

    private static string? TiledViolation(ReferenceInputs inputs, AttentionResult exact, AttentionResult ideal, AttentionResult actual, double ratio)
    {
        double rounding = RelativeRounding * (1 + LogitSizes.Largest(inputs));
        double allowed = (ratio * Distance(ideal.Output, exact.Output)) + (rounding * Size(exact.Output));
        double error = Distance(actual.Output, exact.Output);
        return DifferentKinds(ideal, actual)
            ?? (error <= allowed ? null : $"error {error:E3}, allowed {allowed:E3}, ideal {Distance(ideal.Output, exact.Output):E3}")
            ?? LogSumExpViolation(ideal.LogSumExp, actual.LogSumExp, rounding);
    }

    /// <summary>Null if the results obey the rule, else what they break.</summary>
    public static string? TrainingParityViolation(ReferenceInputs inputs, AttentionResult ideal, AttentionResult actual)
    {
        double rounding = RelativeRounding * (1 + LogitSizes.Largest(inputs));
        AttentionShape shape = inputs.Specification.Shape;
        string? violation = DifferentKinds(ideal, actual) ?? LogSumExpViolation(ideal.LogSumExp, actual.LogSumExp, rounding);
        for (int head = 0; head < shape.BatchSize * shape.HeadCount && violation is null; head++)
        {
            var binary = new ReferenceBinaryHead(inputs, head / shape.HeadCount, head % shape.HeadCount);
            for (int query = 0; query < shape.QueryLength; query++)
            {
                violation ??= RowViolation(binary, query, (head * shape.QueryLength) + query, rounding, ideal.Output, actual.Output);
            }
        }

        return violation;
    }

    /// <summary>Full mode and exact attention, by the size of the logits alone. Null if the results obey, else what they break.</summary>
    public static string? FloatViolation(ReferenceInputs inputs, AttentionResult expected, AttentionResult actual, float largestValue)
    {
        // Exact logits are sums of headDimension products, each of which is rounded; outputs are sums over a chunk of keys, whose roundings add up where all keys are equal.
        AttentionShape shape = inputs.Specification.Shape;
        double products = inputs.Specification.IsBinary ? 1 : Math.Sqrt(shape.HeadDimension);
        double sums = Math.Min(shape.KeyLength, ChunkKeys) / 8.0;
        double rounding = RelativeRounding * (1 + sums + (products * LogitSizes.Largest(inputs)));
        double floor = (2 + shape.KeyLength) * (double)float.Epsilon; // denormal products are rounded to whole epsilons
        string? violation = DifferentKinds(expected, actual) ?? LogSumExpViolation(expected.LogSumExp, actual.LogSumExp, rounding);
        for (int i = 0; i < expected.Output.Length && violation is null; i++)
        {
            double error = Math.Abs((double)expected.Output[i] - actual.Output[i]);
            violation = float.IsFinite(expected.Output[i]) && error > (rounding * largestValue) + floor ? $"output[{i}] is {actual.Output[i]:R}; expected {expected.Output[i]:R}: error {error:E3}, allowed {rounding * largestValue:E3}" : null;
        }

        return violation;
    }

    private static string? RowViolation(ReferenceBinaryHead head, int query, int row, double rounding, float[] ideal, float[] actual)
    {
        var probabilities = new double[head.ColumnWeights.Length];
        head.Logits(query, probabilities);
        ReferenceSoftmax.Probabilities(probabilities);
        int channels = head.Values.ChannelCount;
        for (int channel = 0; channel < channels; channel++)
        {
            int index = (row * channels) + channel;
            if (float.IsNaN(ideal[index]))
            {
                continue;
            }

            double allowed = 0;
            double absolute = 0;
            for (int key = 0; key < probabilities.Length; key++)
            {
                double level = 255 * probabilities[key];
                double value = Math.Abs((double)SymmetricQuantizer.Dequantize(head.Values.Levels[key, channel], head.Values.Scales[channel]));
                allowed += LevelsApart(level, rounding) * value / 255;
                absolute += value * probabilities[key];
            }

            // The epilogue is the same float32 arithmetic on both sides, so that equal levels give equal bits; the slack is for sums that differ.
            double slack = allowed == 0 ? 0 : 1e-6 * absolute;
            if (Math.Abs((double)ideal[index] - actual[index]) > allowed + slack)
            {
                return $"output[{index}] is {actual[index]:R}; expected {ideal[index]:R} within {allowed:E3}";
            }
        }

        return null;
    }

    // How many levels a probability may be off: none, unless a half lies within rounding. Logits so large that float32 loses their order promise nothing.
    private static double LevelsApart(double level, double rounding)
    {
        if (rounding > 0.1)
        {
            return 255;
        }

        double slack = (level * rounding) + 1e-9;
        double nearest = Math.Round(level);
        return Math.Max(Math.Round(level + slack) - nearest, nearest - Math.Round(level - slack));
    }

    private static string? LogSumExpViolation(float[] expected, float[] actual, double rounding)
    {
        for (int row = 0; row < expected.Length; row++)
        {
            double allowed = float.IsFinite(expected[row]) ? rounding * (1 + Math.Abs(expected[row])) : 0;
            if (!expected[row].Equals(actual[row]) && !(Math.Abs((double)expected[row] - actual[row]) <= allowed))
            {
                return $"logSumExp[{row}] is {actual[row]:R}; expected {expected[row]:R}";
            }
        }

        return null;
    }

    // NaN and infinities must stand where they are expected, and nowhere else.
    private static string? DifferentKinds(AttentionResult expected, AttentionResult actual)
    {
        for (int i = 0; i < expected.Output.Length; i++)
        {
            if ((!float.IsFinite(expected.Output[i]) || !float.IsFinite(actual.Output[i])) && !expected.Output[i].Equals(actual.Output[i]))
            {
                return $"output[{i}] is {actual.Output[i]:R}; expected {expected.Output[i]:R}";
            }
        }

        return null;
    }

    private static double Distance(float[] left, float[] right) => Math.Sqrt(left.Zip(right, (a, b) => float.IsFinite(b) ? ((double)a - b) * ((double)a - b) : 0).Sum());

    private static double Size(float[] values) => Math.Sqrt(values.Sum(value => float.IsFinite(value) ? (double)value * value : 0));
}
