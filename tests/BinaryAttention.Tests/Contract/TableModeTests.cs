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

    // 65,536 keys of 255 * 127 fit into 32 bits; beyond, 64-bit sums take over. Half of the keys equal the queries and have values of +-1, the other half is their opposite in both: with
    // a large scale the numerators are 255 and 0 and the levels +-127, and 140,001 keys add up to +-70,001 * 255 * 127. (Evenly spread attention never gets there: levels are centred.)
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Gives_TheReferencesBits_WhenSumsExceed32Bits(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        (int Queries, int Keys, float? Scale)[] sizes = [(1, 65_537, null), (6, 65_537, 0f), (2, 140_001, 1e4f), (5, 140_001, -1e4f)];
        foreach ((int queries, int keys, float? scale) in sizes)
        {
            foreach (ValueQuantization quantization in (ValueQuantization[])[ValueQuantization.Tiled, ValueQuantization.TrainingParity])
            {
                var attentionCase = new AttentionCase { Queries = queries, Keys = keys, HeadDimension = 8, ValueDimension = 3, LogitScale = scale, Quantization = quantization };
                Operands operands = attentionCase.MakeOperands();
                Array.Fill(operands.Query, 1f);
                for (int key = 0; key < keys; key++)
                {
                    float sign = key <= keys / 2 ? 1f : -1f;
                    operands.Key.AsSpan(key * 8, 8).Fill(sign);
                    operands.Value[key * 3] = sign;
                    operands.Value[(key * 3) + 1] = -sign;
                }

                Bits.Equal(CaseRunner.Binary(attentionCase, operands, ContractCases.Reference), CaseRunner.Binary(attentionCase, operands, kernel));
            }
        }
    }
}
