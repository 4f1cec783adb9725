// Full mode and exact attention: the tolerance rule of TestKit.Attention.Tolerance against the reference, which computes in double.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class FloatModeTests
{
    public static TheoryData<string, AttentionCase> FullCases() => ContractCases.Product(ContractCases.Kernels, ContractCases.Full);

    public static TheoryData<string, AttentionCase> ExactCases() => ContractCases.Product(ContractCases.Kernels, ContractCases.Exact);

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [MemberData(nameof(FullCases))]
    public void OneBitFull_StaysWithinTwiceThePlainFloatError(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        AttentionResult expected = CaseRunner.Binary(attentionCase, ContractCases.Reference);
        Check(expected, PlainFloatAttention.Run(attentionCase, attentionCase.MakeOperands(), isBinary: true, expected), CaseRunner.Binary(attentionCase, kernel));
    }

    [Theory]
    [MemberData(nameof(ExactCases))]
    public void Exact_StaysWithinTwiceThePlainFloatError(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        AttentionResult expected = CaseRunner.Exact(attentionCase, ContractCases.Reference);
        Check(expected, PlainFloatAttention.Run(attentionCase, attentionCase.MakeOperands(), isBinary: false, expected), CaseRunner.Exact(attentionCase, kernel));
    }

    // Plain float32 loops drift with the number of keys; kernels add up in chunks and must not.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void LongRows_DoNotDrift(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = new() { Keys = 400_000, HeadDimension = 8, ValueDimension = 1, Quantization = ValueQuantization.Full };
        Operands operands = c.MakeOperands();
        for (int i = 0; i < operands.Value.Length; i++)
        {
            operands.Value[i] += 3f;
        }

        Check(CaseRunner.Binary(c, operands, ContractCases.Reference), CaseRunner.Binary(c, operands, kernel));
        Check(CaseRunner.Exact(c, operands, ContractCases.Reference), CaseRunner.Exact(c, operands, kernel));

        static void Check(AttentionResult expected, AttentionResult actual)
        {
            Assert.Equal(1.0, actual.Output[0] / (double)expected.Output[0], 1e-5);
            Assert.Equal(expected.LogSumExp[0], actual.LogSumExp[0], 1e-5);
        }
    }

    private static void Check(AttentionResult expected, AttentionResult plain, AttentionResult actual)
    {
        Assert.Null(Tolerance.Violation("output", expected.Output, plain.Output, actual.Output));
        Assert.Null(Tolerance.Violation("logSumExp", expected.LogSumExp, plain.LogSumExp, actual.LogSumExp));
    }
}
