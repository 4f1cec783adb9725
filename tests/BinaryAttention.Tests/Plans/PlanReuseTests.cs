// One plan, keys and values set once, many query batches: the bits of single calls, whatever happens to the operands afterwards; and how much memory packed keys and values take.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Plans;

public sealed class PlanReuseTests
{
    private const int Batches = 12;

    public static TheoryData<string, AttentionCase> Cases()
    {
        AttentionCase c = new() { Batch = 2, Heads = 4, KeyHeads = 2, Queries = 13, Keys = 140, HeadDimension = 33, ValueDimension = 18 };
        AttentionCase[] cases =
        [
            c,
            c with { Mask = MaskParts.Causal | MaskParts.KeyLengths | MaskParts.QueryLengths, Quantization = ValueQuantization.TrainingParity },
            c with { Mask = MaskParts.PairsPerHead | MaskParts.BlocksPerHead, Weighting = WeightingForm.Learned, Bias = BiasForm.LowRankFull },
            c with { Calibration = CalibrationParts.All, QueryPlanes = 2, KeyPlanes = 2, Weighting = WeightingForm.PerToken, SignOfZero = SignOfZero.Negative },
            c with { Calibration = CalibrationParts.KeyCentre | CalibrationParts.Rotation, Mask = MaskParts.Blocks, HeadDimension = 300 },
            c with { Quantization = ValueQuantization.Full, Bias = BiasForm.PerKeyFull, Mask = MaskParts.Causal },
            c with { IsExact = true, Mask = MaskParts.KeyLengths | MaskParts.Pairs, Bias = BiasForm.DenseFull },
            c with { IsExact = true, Layout = TensorLayout.TokenHeadDimension, TokenGap = 3 },
        ];
        return Contract.ContractCases.Product(Contract.ContractCases.AllKernels, cases);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ManyQueryBatches_EqualSingleCalls(string kernel, AttentionCase attentionCase)
    {
        Contract.ContractCases.RequireUsable(kernel);
        AttentionCase c = attentionCase with { Layout = TensorLayout.HeadTokenDimension, TokenGap = 0 };
        Operands operands = c.MakeOperands();
        AttentionOptions options = c.IsExact ? c.ExactOptions(kernel, 2) : c.BinaryOptions(kernel, 2);
        using AttentionPlan plan = AttentionPlan.Create(c.Shape, options);
        for (int round = 0; round < 2; round++)
        {
            float[] key = (float[])operands.Key.Clone();
            float[] value = (float[])operands.Value.Clone();
            plan.SetKeyValue(key, value);
            Array.Fill(key, float.NaN);
            Array.Fill(value, float.NaN);
            for (int batch = 0; batch < Batches; batch++)
            {
                float[] query = batch == 0 ? operands.Query : Inputs.Gaussian((100 * round) + batch, operands.Query.Length);
                var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
                var logSumExp = new float[c.Batch * c.Heads * c.Queries];
                plan.Run(query, output, logSumExp);
                AttentionResult expected = CaseRunner.Run(c, operands with { Query = query }, options, !c.IsExact);
                Contract.Bits.Equal(expected, new AttentionResult(output, logSumExp));
            }

            operands = operands with { Key = Inputs.Gaussian(7, operands.Key.Length), Value = Inputs.Gaussian(8, operands.Value.Length) };
        }
    }
}
