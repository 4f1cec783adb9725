// A plan that has run a few times allocates nothing more, on the caller's thread or on its own ones. The reference is exempt: it is written to be read.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Plans;

[Collection(nameof(PlanAllocationTests))]
[CollectionDefinition(nameof(PlanAllocationTests), DisableParallelization = true)]
public sealed class PlanAllocationTests(ITestOutputHelper output)
{
    private const int WarmUp = 20;
    private const int Runs = 200;
    private const int Rounds = 5;

    public static TheoryData<string, AttentionCase, int> Cases()
    {
        AttentionCase c = new() { Batch = 2, Heads = 4, KeyHeads = 2, Queries = 70, Keys = 150, HeadDimension = 48, ValueDimension = 20 };
        AttentionCase[] cases =
        [
            c,
            c with { Quantization = ValueQuantization.TrainingParity, Weighting = WeightingForm.PerTokenQuery },
            c with { Quantization = ValueQuantization.Full },
            c with { HeadDimension = 300 },
            c with { HeadDimension = 300, Quantization = ValueQuantization.TrainingParity },
            c with { HeadDimension = 300, Weighting = WeightingForm.PerToken, QueryPlanes = 2 },
            c with { Weighting = WeightingForm.Learned, Bias = BiasForm.DenseMasked },
            c with { Mask = MaskParts.Causal | MaskParts.QueryLengths | MaskParts.KeyLengths },
            c with { Mask = MaskParts.PairsPerHead | MaskParts.Blocks },
            c with { Mask = MaskParts.PairsPerHead | MaskParts.Causal, Bias = BiasForm.LowRankFull, Quantization = ValueQuantization.TrainingParity },
            c with { Calibration = CalibrationParts.All, QueryPlanes = 2, KeyPlanes = 2, Bias = BiasForm.PerKeyFull },
            c with { Queries = 150, Bias = BiasForm.RelativeWithClass, Mask = MaskParts.Blocks },
            c with { IsExact = true },
            c with { IsExact = true, Bias = BiasForm.DenseMasked, Mask = MaskParts.Causal | MaskParts.KeyLengths },
            c with { IsExact = true, Bias = BiasForm.LowRankShared, Mask = MaskParts.PairsPerHead | MaskParts.Blocks },
        ];
        var data = new TheoryData<string, AttentionCase, int>();
        foreach (string kernel in Contract.ContractCases.Kernels)
        {
            foreach (AttentionCase attentionCase in cases)
            {
                data.Add(kernel, attentionCase, 1);
                data.Add(kernel, attentionCase, 2);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_AllocatesNothing(string kernel, AttentionCase attentionCase, int threads)
    {
        Contract.ContractCases.RequireUsable(kernel);
        AttentionCase c = attentionCase;
        Operands operands = c.MakeOperands();
        using AttentionPlan plan = AttentionPlan.Create(c.Shape, c.IsExact ? c.ExactOptions(kernel, threads) : c.BinaryOptions(kernel, threads));
        var destination = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        var logSumExp = new float[c.Batch * c.Heads * c.Queries];
        plan.SetKeyValue(operands.Key, operands.Value);
        for (int run = 0; run < WarmUp; run++)
        {
            plan.Run(operands.Query, destination, logSumExp);
            plan.SetKeyValue(operands.Key, operands.Value);
        }

        // What a run allocates it allocates in every round. What happens once (a worker that gets its first tile late, the just-in-time compiler, the test host) does not count.
        (long Runs, long Everywhere, long Keys) least = (long.MaxValue, long.MaxValue, long.MaxValue);
        for (int round = 0; round < Rounds && least is not (0, < 16L * Runs, 0); round++)
        {
            long onThisThread = GC.GetAllocatedBytesForCurrentThread();
            long everywhere = GC.GetTotalAllocatedBytes(precise: true);
            for (int run = 0; run < Runs; run++)
            {
                plan.Run(operands.Query, destination, logSumExp);
            }

            long everywhereAfter = GC.GetTotalAllocatedBytes(precise: true);
            long onThisThreadAfter = GC.GetAllocatedBytesForCurrentThread();
            plan.SetKeyValue(operands.Key, operands.Value);
            long afterKeys = GC.GetAllocatedBytesForCurrentThread();
            least = (Math.Min(least.Runs, onThisThreadAfter - onThisThread), Math.Min(least.Everywhere, everywhereAfter - everywhere), Math.Min(least.Keys, afterKeys - onThisThreadAfter));
        }

        output.WriteLine($"{least.Runs} bytes on the caller's thread, {least.Everywhere} on all threads in {Runs} runs; {least.Keys} bytes to set keys");

        // Reading the precise counter itself allocates a little: less than one object a run.
        Assert.Equal(0, least.Runs);
        Assert.Equal(0, least.Keys);
        Assert.True(least.Everywhere < 16L * Runs, $"{least.Everywhere / (double)Runs} bytes a run on all threads");
    }
}
