// Lengths mark padding: a padded call gives, item by item, the bits of a call without the padded tokens, in every mode and by every kernel.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class PaddingTests
{
    private const int Exact = 3;

    public static TheoryData<string, int> Modes()
    {
        var data = new TheoryData<string, int>();
        foreach (string kernel in ContractCases.AllKernels)
        {
            for (int mode = 0; mode <= Exact; mode++)
            {
                data.Add(kernel, mode);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void PaddedItems_GiveTheBitsOfShorterCalls(string kernel, int mode)
    {
        ContractCases.RequireUsable(kernel);
        foreach (WeightingForm weighting in (WeightingForm[])[WeightingForm.PerHead, WeightingForm.PerTokenQuery, WeightingForm.PerToken])
        {
            foreach (int planes in (int[])[1, 2])
            {
                foreach (CalibrationParts calibration in (CalibrationParts[])[CalibrationParts.None, CalibrationParts.All])
                {
                    foreach ((int queries, int keys) in ((int, int)[])[(5, 3), (7, 64), (24, 65), (1, 129), (25, 1)])
                    {
                        var c = new AttentionCase
                        {
                            Batch = 2, Heads = 2, KeyHeads = 1, Queries = 25, Keys = 130, HeadDimension = 40, ValueDimension = 9, Quantization = (ValueQuantization)(mode % Exact), Weighting = weighting,
                            QueryPlanes = planes, KeyPlanes = planes, Calibration = calibration,
                        };
                        Check(c, kernel, mode == Exact, queries, keys);
                    }
                }
            }
        }
    }

    private static void Check(AttentionCase c, string kernel, bool isExact, int queries, int keys)
    {
        Operands operands = c.MakeOperands();
        Operands item = new(
            Cut(operands.Query, c.Heads, c.Queries, c.HeadDimension, queries), Cut(operands.Key, c.KeyHeads, c.Keys, c.HeadDimension, keys), Cut(operands.Value, c.KeyHeads, c.Keys, c.ValueDimension, keys));
        BinaryAttentionOptions binary = c.BinaryOptions(kernel, threads: 1);
        AttentionOptions options = isExact ? c.ExactOptions(kernel, threads: 1) : binary;
        AttentionResult expected = CaseRunner.Run(c with { Batch = 1, Queries = queries, Keys = keys }, item, options, !isExact);
        AttentionOptions padded = options with { Mask = AttentionMask.Lengths(new[] { queries, c.Queries }, new[] { keys, c.Keys }) };
        AttentionResult actual = CaseRunner.Run(c, operands, padded, !isExact);
        for (int head = 0; head < c.Heads; head++)
        {
            int row = head * c.Queries;
            Bits.Equal(expected.LogSumExp.AsSpan(head * queries, queries), actual.LogSumExp.AsSpan(row, queries), $"{c}, {queries}x{keys}, head {head}: logSumExp");
            Bits.Equal(expected.Output.AsSpan(head * queries * c.ValueDimension, queries * c.ValueDimension), actual.Output.AsSpan(row * c.ValueDimension, queries * c.ValueDimension), $"{c}, {queries}x{keys}, head {head}: output");
            Assert.True(!actual.Output.AsSpan((row + queries) * c.ValueDimension, (c.Queries - queries) * c.ValueDimension).ContainsAnyExcept(0f), "padded rows must be zeros");
            Assert.True(!actual.LogSumExp.AsSpan(row + queries, c.Queries - queries).ContainsAnyExcept(float.NegativeInfinity), "padded rows have no log-sum-exp");
        }
    }

    // The first tokens of each head of item 0; the others become NaN.
    private static float[] Cut(float[] values, int heads, int tokens, int dimension, int count)
    {
        var cut = new float[heads * count * dimension];
        for (int head = 0; head < heads; head++)
        {
            Span<float> source = values.AsSpan(head * tokens * dimension, tokens * dimension);
            source[..(count * dimension)].CopyTo(cut.AsSpan(head * count * dimension));
            source[(count * dimension)..].Fill(float.NaN);
        }

        return cut;
    }
}
