// Table mode (operator page): without bias and per-key weights all kernels give the reference's bits.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class TableModeTests
{
    public static TheoryData<string, AttentionCase> Cases() => ContractCases.Product(ContractCases.Kernels, ContractCases.TableMode);

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gives_TheReferencesBits(string kernel, AttentionCase attentionCase)
    {
        ContractCases.RequireUsable(kernel);
        Bits.Equal(CaseRunner.Binary(attentionCase, ContractCases.Reference), CaseRunner.Binary(attentionCase, kernel));
    }

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Kernels))]
    public void Gives_TheReferencesBits_OverTheFullProduct(string kernel)
    {
        ContractCases.RequireLong();
        ContractCases.RequireUsable(kernel);
        foreach (AttentionCase attentionCase in ContractCases.LongTableMode())
        {
            try
            {
                Bits.Equal(CaseRunner.Binary(attentionCase, ContractCases.Reference), CaseRunner.Binary(attentionCase, kernel));
            }
            catch (Xunit.Sdk.XunitException failure)
            {
                Assert.Fail($"{attentionCase}: {failure.Message}");
            }
        }
    }

    // 255 * 127 * 65,536 is the last sum that fits 32 bits; beyond it 64-bit sums take over. Equal values of +-1 give levels of +-127 throughout.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Gives_TheReferencesBits_WhenSumsExceed32Bits(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        (int Queries, int Keys, float? Scale)[] sizes = [(1, 65_537, null), (6, 65_537, 0f), (2, 131_100, 0f), (5, 131_100, 1e4f)];
        foreach ((int queries, int keys, float? scale) in sizes)
        {
            foreach (ValueQuantization quantization in (ValueQuantization[])[ValueQuantization.Tiled, ValueQuantization.TrainingParity])
            {
                var attentionCase = new AttentionCase { Queries = queries, Keys = keys, HeadDimension = 8, ValueDimension = 3, LogitScale = scale, Quantization = quantization };
                Operands operands = attentionCase.MakeOperands();
                for (int i = 0; i < operands.Value.Length; i += 3)
                {
                    operands.Value[i] = i < operands.Value.Length / 2 ? 1f : 0.999f;
                    operands.Value[i + 1] = i == 0 ? -3f : 1f;
                }

                Bits.Equal(CaseRunner.Binary(attentionCase, operands, ContractCases.Reference), CaseRunner.Binary(attentionCase, operands, kernel));
            }
        }
    }
}
