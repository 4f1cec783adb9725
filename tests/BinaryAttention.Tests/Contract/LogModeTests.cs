// Log mode (operator page): with a bias, per-key weights or second planes a kernel may round a numerator differently, within LogModeBound.
using BinaryAttention.Reference;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class LogModeTests
{
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
        ReferenceInputs inputs = PreparedInputs.Create(attentionCase, attentionCase.MakeOperands(), isBinary: true);
        Assert.Null(LogModeBound.TiledViolation(inputs, exact, ideal, CaseRunner.Binary(attentionCase, kernel)));
    }

    [Theory]
    [MemberData(nameof(TrainingParity))]
    public void TrainingParity_DiffersOnlyWhereAProbabilityIsNextToAHalf(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        ReferenceInputs inputs = PreparedInputs.Create(attentionCase, attentionCase.MakeOperands(), isBinary: true);
        Assert.Null(LogModeBound.TrainingParityViolation(inputs, CaseRunner.Binary(attentionCase, ContractCases.Reference), CaseRunner.Binary(attentionCase, kernel)));
    }
}
