// Query lengths, boolean and block-sparse masks and learned row weights in table mode: the CPU's bits, and work that follows the mask.
using BinaryAttention.Cuda.Kernels;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class MaskTests
{
    [Theory]
    [InlineData(false, false, 80)]
    [InlineData(true, true, 80)]
    [InlineData(true, false, 75)]
    [InlineData(false, true, 100)]
    public void Matches_Reference_WithQueryLengths(bool isCausal, bool isPerToken, int computeCapability)
    {
        int[] queryLengths = [70, 0, 33];
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(3, 2, 70, 100, 40, 32) { KeyHeadCount = 1 }) with
        {
            HasQueryLengths = true,
            HasKeyLengths = true,
            IsCausal = isCausal,
            WantsLogSumExp = true,
            Rows = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead,
        };
        ParityTests.Check(specification, 5, [100, 50, 64], computeCapability, new OptionInputs { QueryLengths = queryLengths });
    }

    [Fact]
    public void Ignores_PaddedQueries()
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, 40, 70, 36, 36)) with { HasQueryLengths = true, WantsLogSumExp = true };
        float[] query = ParityTests.Gaussian(40 * 36, 1).Select(static (x, i) => i / 36 < 21 ? x : float.NaN).ToArray();
        var options = new OptionInputs { QueryLengths = [21] };
        ParityTests.Compare(specification, query, ParityTests.Gaussian(70 * 36, 2), ParityTests.Gaussian(70 * 36, 3), null, options: options);
        query[5] = float.NaN;
        ParityTests.Compare(specification, query, ParityTests.Gaussian(70 * 36, 2), ParityTests.Gaussian(70 * 36, 3), null, options: options);
    }

    [Theory]
    [InlineData(1, 0.5, false, 64, 80)]
    [InlineData(2, 0.02, true, 128, 80)]
    [InlineData(1, 0.0, false, 32, 80)]
    [InlineData(1, 1.0, false, 64, 80)]
    [InlineData(2, 0.3, false, 64, 75)]
    [InlineData(1, 0.3, true, 128, 100)]
    public void Matches_Reference_WithABooleanMask(int heads, double density, bool isCausal, int dimension, int computeCapability)
    {
        AttentionShape shape = new(2, 2, 100, 170, dimension, 32) { KeyHeadCount = 1 };
        CudaSpecification specification = CudaSpecification.Dense(shape) with { HasPairs = true, HasPairsPerHead = heads > 1, IsCausal = isCausal, HasKeyLengths = isCausal, WantsLogSumExp = true };
        ParityTests.Check(specification, 7, isCausal ? [170, 90] : null, computeCapability, new OptionInputs { Pairs = Pairs(shape, heads, 1, density) });
    }

    [Theory]
    [InlineData(1, false, 80)]
    [InlineData(2, true, 80)]
    [InlineData(1, true, 75)]
    [InlineData(1, false, 100)]
    public void Matches_Reference_WithABlockMask(int heads, bool isCausal, int computeCapability)
    {
        AttentionShape shape = new(1, 2, 200, 300, 64, 64);
        CudaSpecification specification = CudaSpecification.Dense(shape) with { HasBlocks = true, HasBlocksPerHead = heads > 1, IsCausal = isCausal, WantsLogSumExp = true };
        ParityTests.Check(specification, 8, computeCapability: computeCapability, options: new OptionInputs { Blocks = Blocks(shape, heads, 2) });
    }

    [Fact]
    public void Matches_Reference_WithAllMasksAtOnce_AndFlushedSums()
    {
        AttentionShape shape = new(2, 2, 130, 400, 48, 40);
        CudaSpecification specification = CudaSpecification.Dense(shape) with
        {
            HasPairs = true,
            HasBlocks = true,
            HasBlocksPerHead = true,
            HasQueryLengths = true,
            HasKeyLengths = true,
            IsCausal = true,
            WantsLogSumExp = true,
            ChunkTiles = 2,
            Rows = SignWeightingMode.MeanMagnitudePerToken,
        };
        ParityTests.Check(specification, 9, [400, 333], options: new OptionInputs { Pairs = Pairs(shape, 1, 3, 0.5), Blocks = Blocks(shape, 2, 4), QueryLengths = [130, 77] });
    }

    [Theory]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, 1f, 80)]
    [InlineData(SignWeightingMode.None, -1f, 80)]
    [InlineData(SignWeightingMode.None, 1f, 75)]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, -1f, 100)]
    public void Matches_Reference_WithLearnedRows(SignWeightingMode columns, float scale, int computeCapability)
    {
        AttentionShape shape = new(2, 2, 50, 90, 40, 32) { KeyHeadCount = 1 };
        CudaSpecification specification = CudaSpecification.Dense(shape) with { Rows = SignWeightingMode.Learned, Columns = columns, WantsLogSumExp = true };
        float[] weights = ParityTests.Gaussian(2 * 2 * 50, 4);
        weights[3] = 0;
        weights[4] = -0f;
        ParityTests.Check(specification with { LogitScale = specification.LogitScale * scale }, 10, computeCapability: computeCapability, options: new OptionInputs { RowWeights = weights });
    }

    /// <summary>One allowed block of 64 x 64 in eight: the kernel runs an eighth of the products.</summary>
    [Fact]
    public void Skips_BlocksThatAreNotAllowed()
    {
        AttentionShape shape = new(1, 1, 64, 512, 64, 64);
        CudaSpecification specification = CudaSpecification.Dense(shape) with { HasBlocks = true };
        long Products(Func<int, bool> isAllowed) => ProgramRunner.Run(
            specification, ParityTests.Gaussian(64 * 64, 1), ParityTests.Gaussian(512 * 64, 2), ParityTests.Gaussian(512 * 64, 3),
            options: new OptionInputs { Blocks = Enumerable.Range(0, 8).Select(isAllowed).ToArray() }).AttentionCounts![PtxInstructionClass.BitProduct];
        Assert.Equal(Products(static _ => true), 8 * Products(static block => block == 5));
        Assert.Equal(0, Products(static _ => false));
    }

    internal static ulong[] Pairs(AttentionShape shape, int heads, int seed, double density)
    {
        var random = new Random(seed);
        int words = (shape.KeyLength + 63) / 64;
        var pairs = new ulong[heads * shape.QueryLength * words];
        for (int i = 0; i < pairs.Length; i++)
        {
            // Some words whole, some empty, bits beyond the keys set as well: they mean nothing.
            ulong bits = 0;
            for (int bit = 0; bit < 64; bit++)
            {
                bits |= random.NextDouble() < density ? 1UL << bit : 0;
            }

            pairs[i] = random.Next(8) switch { 0 when density > 0 => ulong.MaxValue, 1 => 0, _ => bits };
        }

        return pairs;
    }

    internal static bool[] Blocks(AttentionShape shape, int heads, int seed)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, heads * ((shape.QueryLength + 63) / 64) * ((shape.KeyLength + 63) / 64)).Select(_ => random.Next(2) == 0).ToArray();
    }
}
