// Full mode and exact attention: the tolerance rule of TestKit.Attention.Tolerance against the reference, which computes in double.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class FloatModeTests
{
    public static TheoryData<string, AttentionCase> FullCases() => ContractCases.Product(ContractCases.Kernels, ContractCases.Full);

    public static TheoryData<string, AttentionCase> ExactCases() => ContractCases.Product(ContractCases.Kernels, ContractCases.Exact);

    [Theory]
    [MemberData(nameof(FullCases))]
    public void OneBitFull_StaysWithinTwiceThePlainFloatError(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        Check(
            CaseRunner.Binary(attentionCase, ContractCases.Reference),
            PlainFloatAttention.Run(attentionCase, attentionCase.MakeOperands(), isBinary: true),
            CaseRunner.Binary(attentionCase, kernel));
    }

    [Theory]
    [MemberData(nameof(ExactCases))]
    public void Exact_StaysWithinTwiceThePlainFloatError(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        Check(
            CaseRunner.Exact(attentionCase, ContractCases.Reference),
            PlainFloatAttention.Run(attentionCase, attentionCase.MakeOperands(), isBinary: false),
            CaseRunner.Exact(attentionCase, kernel));
    }

    private static void Check(AttentionResult expected, AttentionResult plain, AttentionResult actual)
    {
        Assert.Null(Tolerance.Violation("output", expected.Output, plain.Output, actual.Output));
        Assert.Null(Tolerance.Violation("logSumExp", expected.LogSumExp, plain.LogSumExp, actual.LogSumExp));
    }
}
