// Warp instructions per score of a lane: instructions that a warp executes, over query rows times keys divided by 32. The issue slots of a GPU bound the kernel by this number, and a change
// that adds instructions to the inner loop shows here. Counted over the whole attention kernel: both passes, copies, masks, epilogue.
using System.Globalization;
using BinaryAttention.Cuda.Kernels;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class InstructionBudgetTests(ITestOutputHelper output)
{
    // The bound is that of the loops, which a long sequence approaches: the difference between two lengths. 7.5 is the issue budget of a 64 x 64 tile at d = 128: 238 clocks of four warp
    // instructions over 128 scores a lane. Prologue and epilogue cost about 1,200 / keys more at d = 128.
    [Theory]
    [InlineData(128, SignWeightingMode.MeanMagnitudePerHead, 7.5)]
    [InlineData(64, SignWeightingMode.MeanMagnitudePerHead, 6.8)]
    [InlineData(128, SignWeightingMode.MeanMagnitudePerToken, 9.0)]
    public void Stays_WithinBudget(int dimension, SignWeightingMode rows, double budget)
    {
        (PtxCounts counts, double scores) shorter = Run(dimension, rows, 512);
        (PtxCounts counts, double scores) longer = Run(dimension, rows, 1024);
        double perScore = (longer.counts.Total - shorter.counts.Total) / (longer.scores - shorter.scores);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"d = {dimension}, {rows}: {perScore:F3} per score in the loops; 1024 keys: {longer.counts.Total / longer.scores:F3} ({longer.counts})"));
        Assert.InRange(perScore, 1, budget);
    }

    // The whole kernel: prologue, both passes, epilogue. At 4096 keys the part that does not grow with the keys is a fraction of an instruction per score.
    [Theory]
    [InlineData(128, 4096, 7.75)]
    [InlineData(64, 4096, 7.0)]
    [InlineData(128, 1024, 8.6)]
    public void WholeKernel_StaysWithinBudget(int dimension, int keys, double budget)
    {
        (PtxCounts counts, double scores) = Run(dimension, SignWeightingMode.MeanMagnitudePerHead, keys);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"d = {dimension}, {keys} keys: {counts.Total / scores:F3} per score over the whole kernel ({counts})"));
        Assert.InRange(counts.Total / scores, 1, budget);
    }

    private static (PtxCounts Counts, double Scores) Run(int dimension, SignWeightingMode rows, int keys)
    {
        const int Queries = 128;
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, Queries, keys, dimension, dimension)) with { Rows = rows };
        ProgramRunner run = ProgramRunner.Run(specification, ParityTests.Gaussian(Queries * dimension, 1), ParityTests.Gaussian(keys * dimension, 2), ParityTests.Gaussian(keys * dimension, 3));
        return (run.AttentionCounts!, Queries * keys / 32.0);
    }
}
