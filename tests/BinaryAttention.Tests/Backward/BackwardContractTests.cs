// Every kernel's gradients against the reference's (double), over a pairwise selection of everything that a call can be. The tolerance rule is that of the forward pass: at most twice the error of
// plain float32 loops. One exception: with a bias or per-key weights a TrainingParity probability may round to the neighbouring 8-bit level, which moves a value gradient by 1/255 of an output
// gradient per flipped pair.
using BinaryAttention.Tests.Contract;
using TestKit;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class BackwardContractTests
{
    private static readonly int[] Dimensions = [1, 8, 31, 48, 64, 65, 72, 128, 255];
    private static readonly int[] ValueDimensions = [1, 7, 16, 33, 64];
    private static readonly int[] QueryLengths = [1, 2, 7, 48, 49, 130];
    private static readonly int[] KeyLengths = [1, 2, 17, 63, 64, 65, 197, 300];
    private static readonly (int Batch, int Heads, int KeyHeads)[] HeadCounts = [(1, 1, 1), (2, 3, 3), (1, 4, 2), (2, 2, 1)];
    private static readonly float?[] Scales = [null, -0.3f, 0.5f, 0f];

    private static readonly BackwardCase[] Cases = Select();

    public static TheoryData<string, int> CaseNumbers()
    {
        var data = new TheoryData<string, int>();
        foreach (string kernel in ContractCases.Kernels)
        {
            for (int i = 0; i < Cases.Length; i++)
            {
                data.Add(kernel, i);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(CaseNumbers))]
    public void StaysWithinTwiceThePlainFloatError(string kernel, int number)
    {
        BackwardKernels.Require(kernel);
        BackwardCase c = Cases[number];
        BackwardResult expected = BackwardRunner.Run(c, ContractCases.Reference);
        BackwardResult plain = PlainFloatBackward.Run(c);
        BackwardResult actual = BackwardRunner.Run(c, kernel);
        bool mayFlip = c.IsBinary && c.Quantization == ValueQuantization.TrainingParity && (c.Bias != "none" || c.Weighting is "token" or "key" or "learned");
        foreach (((string name, float[] wanted), (_, float[] yardstick), (_, float[] values)) in expected.All.Zip(plain.All, actual.All))
        {
            if (name == "value" && mayFlip)
            {
                Assert.All(wanted.Zip(values), pair => Assert.Equal(pair.First, pair.Second, 0.06));
                continue;
            }

            Assert.True(Tolerance.Violation(name, wanted, yardstick, values) is not { } violation, $"{c}: {Tolerance.Violation(name, wanted, yardstick, values)}");
        }
    }

    private static BackwardCase[] Select()
    {
        List<BackwardCase> cases = [];
        foreach (int[] row in Pairwise.Select(
            11, Dimensions.Length, ValueDimensions.Length, QueryLengths.Length, KeyLengths.Length, HeadCounts.Length, BackwardCase.Weightings.Count, 3, BackwardCase.Masks.Count, BackwardCase.Biases.Count, Scales.Length, 2, 2, 4))
        {
            (int batch, int heads, int keyHeads) = HeadCounts[row[4]];
            string bias = BackwardCase.Biases[row[8]];
            bool isRelative = bias.StartsWith("relative", StringComparison.Ordinal);
            int keys = isRelative ? Math.Max(KeyLengths[row[3]], 2) : KeyLengths[row[3]];
            cases.Add(new BackwardCase
            {
                HeadDimension = Dimensions[row[0]], ValueDimension = ValueDimensions[row[1]], Keys = keys, Queries = isRelative ? keys : QueryLengths[row[2]], Batch = batch, Heads = heads, KeyHeads = keyHeads,
                Weighting = BackwardCase.Weightings[row[5]], Quantization = (ValueQuantization)row[6], Mask = BackwardCase.Masks[row[7]], Bias = bias, LogitScale = Scales[row[9]],
                Layout = (TensorLayout)row[10], Gap = row[11] * 5, IsBinary = row[12] != 0, HasTemperature = row[12] == 1, SignOfZero = row[12] == 2 ? SignOfZero.Negative : SignOfZero.Positive,
            });
        }

        return [.. cases];
    }
}
