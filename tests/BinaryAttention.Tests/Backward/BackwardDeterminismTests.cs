// The same bits at any number of threads, and run after run, for every way in which work is cut: segments of one group, whole groups, turns for a shared dense bias.
using BinaryAttention.Tests.Contract;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class BackwardDeterminismTests
{
    private static readonly BackwardCase[] Cases =
    [
        new() { Queries = 400, Keys = 333, HeadDimension = 64, ValueDimension = 32 },
        new() { Queries = 400, Keys = 200, Batch = 2, Heads = 4, KeyHeads = 2, HeadDimension = 20, Bias = "dense shared", Weighting = "token", Mask = "causal" },
        new() { Queries = 300, Keys = 300, Batch = 2, Heads = 2, KeyHeads = 2, HeadDimension = 24, Bias = "relative", Quantization = ValueQuantization.TrainingParity },
        new() { Queries = 300, Keys = 150, Batch = 3, Heads = 2, KeyHeads = 1, Bias = "dense per head", Weighting = "learned", Mask = "blocks" },
        new() { Queries = 130, Keys = 150, Batch = 3, Heads = 2, KeyHeads = 1, Bias = "low rank shared" },
        new() { Queries = 50, Keys = 60, Batch = 20, Heads = 2, KeyHeads = 2, Bias = "key shared" },
        new() { Queries = 400, Keys = 333, HeadDimension = 64, ValueDimension = 32, IsBinary = false, Mask = "boolean", Bias = "key" },
    ];

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
    public void SameBits_AtAnyThreadCount(string kernel, int number)
    {
        BackwardKernels.Require(kernel);
        BackwardResult expected = BackwardRunner.Run(Cases[number], kernel, threads: 1);
        foreach (int threads in (int[])[1, 2, 3, 7])
        {
            BackwardResult actual = BackwardRunner.Run(Cases[number], kernel, threads);
            foreach (((string name, float[] wanted), (_, float[] values)) in expected.All.Zip(actual.All))
            {
                Assert.True(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(wanted).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values)), $"{name} at {threads} threads: {Cases[number]}");
            }
        }
    }
}
