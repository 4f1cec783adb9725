// Log mode (operator page): with a bias or per-key weights a kernel may round a numerator differently, but
//   Tiled:           its error against exact softmax of the binary logits is at most 1.1 times that of ideal Tiled arithmetic (the reference's)
//   TrainingParity:  only probabilities that lie next to a half may land on the other level, which bounds every output
using BinaryAttention.Kernels;
using BinaryAttention.Quantization;
using BinaryAttention.Reference;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class LogModeTests
{
    private const double AllowedRatio = 1.1;

    // Float32 logits of size L are off by up to about 2^-24 L per rounding, a few roundings each, and so are the exponentials relatively. 2^-21 (1 + L) leaves room for three roundings of the
    // logit, the exponential's own two units and the rounded epilogue.
    private static readonly double RelativeRounding = Math.Pow(2, -21);

    public static TheoryData<string, AttentionCase> Tiled() =>
        ContractCases.Product(ContractCases.Kernels, [.. ContractCases.LogMode.Where(c => c.Quantization == ValueQuantization.Tiled)]);

    public static TheoryData<string, AttentionCase> TrainingParity() =>
        ContractCases.Product(ContractCases.Kernels, [.. ContractCases.LogMode.Where(c => c.Quantization == ValueQuantization.TrainingParity)]);

    [Theory]
    [MemberData(nameof(Tiled))]
    public void TiledError_IsAtMostElevenTenthsOfIdeal(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        AttentionResult exact = CaseRunner.Binary(attentionCase with { Quantization = ValueQuantization.Full }, ContractCases.Reference);
        AttentionResult ideal = CaseRunner.Binary(attentionCase, ContractCases.Reference);
        AttentionResult actual = CaseRunner.Binary(attentionCase, kernel);
        double rounding = RelativeRounding * (1 + LargestLogit(attentionCase));
        double allowed = (AllowedRatio * Distance(ideal.Output, exact.Output)) + (rounding * Size(exact.Output));
        double error = Distance(actual.Output, exact.Output);
        Assert.True(error <= allowed, $"error {error:E3}, allowed {allowed:E3}, ideal {Distance(ideal.Output, exact.Output):E3}");
        CheckLogSumExp(ideal.LogSumExp, actual.LogSumExp, rounding);
    }

    [Theory]
    [MemberData(nameof(TrainingParity))]
    public void TrainingParity_DiffersOnlyWhereAProbabilityIsNextToAHalf(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        AttentionResult ideal = CaseRunner.Binary(attentionCase, ContractCases.Reference);
        AttentionResult actual = CaseRunner.Binary(attentionCase, kernel);
        double rounding = RelativeRounding * (1 + LargestLogit(attentionCase));
        CheckLogSumExp(ideal.LogSumExp, actual.LogSumExp, rounding);
        Operands operands = attentionCase.MakeOperands();
        AttentionSpecification specification = SpecificationBuilder.Build(attentionCase.Shape, attentionCase.BinaryOptions(), isBinary: true);
        var inputs = ReferenceInputs.Create(specification, operands.Query, operands.Key, operands.Value);
        for (int head = 0; head < attentionCase.Batch * attentionCase.Heads; head++)
        {
            var binary = new ReferenceBinaryHead(inputs, head / attentionCase.Heads, head % attentionCase.Heads);
            for (int query = 0; query < attentionCase.Queries; query++)
            {
                CheckRow(binary, query, (head * attentionCase.Queries) + query, rounding, ideal.Output, actual.Output);
            }
        }
    }

    private static void CheckRow(ReferenceBinaryHead head, int query, int row, double rounding, float[] ideal, float[] actual)
    {
        var probabilities = new double[head.ColumnWeights.Length];
        head.Logits(query, probabilities);
        ReferenceSoftmax.Probabilities(probabilities);
        int channels = head.Values.ChannelCount;
        for (int channel = 0; channel < channels; channel++)
        {
            double allowed = 0;
            double absolute = 0;
            for (int key = 0; key < probabilities.Length; key++)
            {
                double level = 255 * probabilities[key];
                double value = Math.Abs((double)SymmetricQuantizer.Dequantize(head.Values.Levels[key, channel], head.Values.Scales[channel]));
                bool nextToHalf = Math.Abs(level - Math.Floor(level) - 0.5) <= (level * rounding) + 1e-9;
                allowed += nextToHalf ? value / 255 : 0;
                absolute += value * probabilities[key];
            }

            // The epilogue is the same float32 arithmetic on both sides, so that equal levels give equal bits; the slack is for sums that differ.
            int index = (row * channels) + channel;
            double slack = allowed == 0 ? 0 : 1e-6 * absolute;
            Assert.True(Math.Abs((double)ideal[index] - actual[index]) <= allowed + slack, $"output[{index}] is {actual[index]:R}; expected {ideal[index]:R} within {allowed:E3}");
        }
    }

    private static void CheckLogSumExp(float[] expected, float[] actual, double rounding)
    {
        for (int row = 0; row < expected.Length; row++)
        {
            double allowed = float.IsFinite(expected[row]) ? rounding * (1 + Math.Abs(expected[row])) : 0;
            Assert.True(expected[row].Equals(actual[row]) || Math.Abs((double)expected[row] - actual[row]) <= allowed, $"logSumExp[{row}] is {actual[row]:R}; expected {expected[row]:R}");
        }
    }

    private static double LargestLogit(AttentionCase attentionCase)
    {
        Operands operands = attentionCase.MakeOperands();
        AttentionSpecification specification = SpecificationBuilder.Build(attentionCase.Shape, attentionCase.BinaryOptions(), isBinary: true);
        var inputs = ReferenceInputs.Create(specification, operands.Query, operands.Key, operands.Value);
        var logits = new double[attentionCase.Keys];
        double largest = 0;
        for (int head = 0; head < attentionCase.Batch * attentionCase.Heads; head++)
        {
            var binary = new ReferenceBinaryHead(inputs, head / attentionCase.Heads, head % attentionCase.Heads);
            for (int query = 0; query < attentionCase.Queries; query++)
            {
                binary.Logits(query, logits);
                largest = Math.Max(largest, logits.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max());
            }
        }

        return largest;
    }

    private static double Distance(float[] left, float[] right) => Math.Sqrt(left.Zip(right, (a, b) => ((double)a - b) * ((double)a - b)).Sum());

    private static double Size(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));
}
