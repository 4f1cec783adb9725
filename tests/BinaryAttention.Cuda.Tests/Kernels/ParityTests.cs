// Whole programs against the CPU: identical bits in the output; the log-sum-exp within one unit in the last place, because the CPU's logarithm is the C library's.
using System.Globalization;
using BinaryAttention.Cuda.Kernels;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class ParityTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("BINARYATTENTION_LONG") == "1";

    public static TheoryData<int, int, int, int> Sizes()
    {
        var data = new TheoryData<int, int, int, int>
        {
            { 1, 1, 1, 1 },
            { 31, 37, 37, 31 },
            { 32, 63, 64, 32 },
            { 48, 65, 63, 48 },
            { 64, 64, 65, 64 },
            { 65, 37, 197, 65 },
            { 96, 197, 37, 96 },
            { 128, 65, 197, 128 },
            { 128, 129, 257, 1 },
            { 64, 1, 1025, 33 },
        };
        if (s_isLong)
        {
            foreach (int dimension in (int[])[1, 8, 31, 32, 33, 48, 59, 63, 64, 65, 72, 96, 111, 127, 128])
            {
                foreach (int length in (int[])[1, 2, 15, 16, 17, 37, 63, 64, 65, 197, 1025])
                {
                    data.Add(dimension, length, length, dimension);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Matches_Reference_AtEverySize(int headDimension, int queryLength, int keyLength, int valueDimension)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, queryLength, keyLength, headDimension, valueDimension)) with { WantsLogSumExp = true };
        Check(specification, seed: headDimension + keyLength);
    }

    [Theory]
    [InlineData(64, 64, 64, 1, false)]
    [InlineData(37, 130, 64, 2, false)]
    [InlineData(130, 37, 64, 2, false)]
    [InlineData(197, 197, 128, 1, false)]
    [InlineData(197, 300, 48, 1, true)]
    [InlineData(70, 70, 32, 1, true)]
    public void Matches_Reference_WhenCausal(int queryLength, int keyLength, int dimension, int keyHeads, bool isPerToken)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 2, queryLength, keyLength, dimension, dimension) { KeyHeadCount = keyHeads }) with
        {
            IsCausal = true,
            WantsLogSumExp = true,
            Rows = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead,
        };
        Check(specification, seed: queryLength);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Matches_Reference_WithKeyLengths(bool isCausal, bool isPerToken)
    {
        int[] lengths = [100, 0, 64, 1];
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(4, 2, 65, 100, 64, 32) { KeyHeadCount = 1 }) with
        {
            HasKeyLengths = true,
            IsCausal = isCausal,
            WantsLogSumExp = true,
            Rows = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead,
        };
        Check(specification, 5, lengths);
    }

    [Fact]
    public void Ignores_PaddedTokens()
    {
        int[] lengths = [33, 5];
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(2, 1, 20, 70, 36, 36)) with { HasKeyLengths = true, WantsLogSumExp = true };
        float[] Padded(int seed) => Gaussian(2 * 70 * 36, seed).Select((x, i) => i / 36 % 70 < lengths[i / (70 * 36)] ? x : float.NaN).ToArray();
        Compare(specification, Gaussian(2 * 20 * 36, 1), Padded(2), Padded(3), lengths);
    }

    [Theory]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.None, 1f)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerHead, 1f)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.None, -1f)]
    [InlineData(SignWeightingMode.None, SignWeightingMode.None, 1f)]
    [InlineData(SignWeightingMode.None, SignWeightingMode.None, -0.25f)]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerHead, 0f)]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerHead, 1000f)]
    public void Matches_Reference_InEveryWeightingAndScale(SignWeightingMode rows, SignWeightingMode columns, float scale)
    {
        foreach (int dimension in (int[])[40, 100])
        {
            CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 3, 50, 90, dimension, 40) { KeyHeadCount = 1 }) with
            {
                WantsLogSumExp = true,
                Rows = rows,
                Columns = columns,
            };
            Check(specification with { LogitScale = specification.LogitScale * scale }, 7);
        }
    }

    [Theory]
    [InlineData(1, false, 128)]
    [InlineData(2, false, 40)]
    [InlineData(3, true, 64)]
    public void Matches_Reference_WhenSumsAreFlushed(int chunkTiles, bool isCausal, int dimension)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 2, 100, 500, dimension, dimension) { KeyHeadCount = 1 }) with { ChunkTiles = chunkTiles, IsCausal = isCausal, WantsLogSumExp = true };
        Check(specification, 13);
    }

    [Fact]
    public void Flushes_BeyondWhatThirtyTwoBitsHold()
    {
        AttentionShape shape = new(1, 1, 1, 65_536, 64, 64);
        Assert.Equal(0, CudaSpecification.Dense(shape).Variant.ChunkTiles);
        Assert.Equal(1024, CudaSpecification.Dense(shape with { KeyLength = 65_537 }).Variant.ChunkTiles);
        Assert.True(1024L * TileLayout.TileKeys * 255 * 127 < int.MaxValue);
    }

    [Theory]
    [InlineData("Float16", "Float16")]
    [InlineData("BFloat16", "BFloat16")]
    [InlineData("Float16", "Float32")]
    public void Matches_Reference_InHalfPrecision(string input, string output)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 2, 70, 130, 59, 59)) with { InputType = Enum.Parse<CudaElement>(input), OutputType = Enum.Parse<CudaElement>(output) };
        Check(specification, 9);
    }

    [Fact]
    public void Matches_Reference_ReadingStridesInPlace()
    {
        // [batch, tokens, heads, channels] as a third of a fused projection.
        const int Heads = 2;
        const int Tokens = 70;
        const int Dimension = 24;
        var shape = new AttentionShape(2, Heads, Tokens, Tokens, Dimension, Dimension);
        CudaSpecification dense = CudaSpecification.Dense(shape);
        float[] fused = Gaussian(2 * Tokens * 3 * Heads * Dimension, 11);
        var strides = new OperandStrides(Tokens * 3L * Heads * Dimension, Dimension, 3L * Heads * Dimension);
        float[] Part(int part) => Enumerable.Range(0, 2 * Heads * Tokens * Dimension)
            .Select(i => (Batch: i / (Heads * Tokens * Dimension), Head: i / (Tokens * Dimension) % Heads, Token: i / Dimension % Tokens, Channel: i % Dimension))
            .Select(i => fused[(((((i.Batch * Tokens) + i.Token) * 3) + part) * Heads * Dimension) + (i.Head * Dimension) + i.Channel])
            .ToArray();
        float[] query = Part(0);
        float[] key = Part(1);
        float[] value = Part(2);
        (float[] expected, _) = ProgramRunner.Reference(dense, query, key, value);
        CudaSpecification strided = dense with { QueryStrides = strides, KeyStrides = strides, ValueStrides = strides };
        float[] From(int part) => fused[(part * Heads * Dimension)..];
        AssertSameBits(expected, ProgramRunner.Run(strided, From(0), From(1), From(2)).Output);
    }

    [Theory]
    [InlineData(SignOfZero.Positive, 1f)]
    [InlineData(SignOfZero.Negative, 1f)]
    [InlineData(SignOfZero.Positive, -1f)]
    public void Matches_Reference_WithZerosAndDenormals(SignOfZero signOfZero, float scale)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, 40, 40, 33, 33)) with { SignOfZero = signOfZero, LogitScale = scale, WantsLogSumExp = true };
        float[] Awkward(int seed) => Gaussian(40 * 33, seed).Select(static (x, i) => (i % 7) switch { 0 => 0f, 1 => -0f, 2 => float.Epsilon, 3 => -float.Epsilon, _ => x }).ToArray();
        Compare(specification, Awkward(1), Awkward(2), Awkward(3), null);
        Compare(specification, new float[40 * 33], new float[40 * 33], new float[40 * 33], null);
    }

    [Theory]
    [InlineData(SignWeightingMode.MeanMagnitudePerHead)]
    [InlineData(SignWeightingMode.MeanMagnitudePerToken)]
    [InlineData(SignWeightingMode.None)]
    public void Gives_NaN_WhereInputsAreNotFinite(SignWeightingMode rows)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 4, 20, 30, 16, 8) { KeyHeadCount = 2 }) with { Rows = rows, WantsLogSumExp = true, IsCausal = true };
        float[] query = Gaussian(4 * 20 * 16, 1);
        float[] key = Gaussian(2 * 30 * 16, 2);
        float[] value = Gaussian(2 * 30 * 8, 3);
        query[(20 * 16) + 5] = float.NaN;
        Compare(specification, query, key, value, null);
        key[(30 * 16) + 77] = float.NegativeInfinity;
        Compare(specification, query, key, value, null);
        value[3] = float.PositiveInfinity;
        value[(30 * 8) + 9] = float.NaN;
        Compare(specification, query, key, value, null);
    }

    [Fact]
    public void Is_Independent_OfWarpOrder()
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, 130, 200, 64, 64));
        float[] query = Gaussian(130 * 64, 1);
        float[] key = Gaussian(200 * 64, 2);
        float[] value = Gaussian(200 * 64, 3);
        AssertSameBits(ProgramRunner.Run(specification, query, key, value, seed: 1).Output, ProgramRunner.Run(specification, query, key, value, seed: 2).Output);
    }

    internal static float[] Gaussian(int count, int seed)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))).ToArray();
    }

    internal static void Check(CudaSpecification specification, int seed, int[]? keyLengths = null, int computeCapability = 80, OptionInputs? options = null)
    {
        AttentionShape shape = specification.Shape;
        float[] Operand(int heads, int tokens, int channels, int operand) =>
            ProgramRunner.Rounded(Gaussian(shape.BatchSize * heads * tokens * channels, (seed * 3) + operand), specification.InputType);
        Compare(
            specification,
            Operand(shape.HeadCount, shape.QueryLength, shape.HeadDimension, 0),
            Operand(shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension, 1),
            Operand(shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension, 2),
            keyLengths,
            computeCapability,
            options);
    }

    internal static void Compare(CudaSpecification specification, float[] query, float[] key, float[] value, int[]? keyLengths, int computeCapability = 80, OptionInputs? options = null)
    {
        (float[] expected, float[] expectedLogSumExp) = ProgramRunner.Reference(specification, query, key, value, keyLengths, options: options);
        ProgramRunner actual = ProgramRunner.Run(specification, query, key, value, keyLengths, computeCapability: computeCapability, options: options);
        AssertSameBits(ProgramRunner.Rounded(expected, specification.OutputType), actual.Output);
        for (int row = 0; row < actual.LogSumExp.Length; row++)
        {
            float want = expectedLogSumExp[row];
            float got = actual.LogSumExp[row];
            bool isNear = want.Equals(got) || got == MathF.BitIncrement(want) || got == MathF.BitDecrement(want);
            Assert.True(isNear, string.Create(CultureInfo.InvariantCulture, $"logSumExp of row {row} is {got:R}; expected {want:R}"));
        }
    }

    private static void AssertSameBits(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool isEqual = float.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : BitConverter.SingleToUInt32Bits(expected[i]) == BitConverter.SingleToUInt32Bits(actual[i]);
            Assert.True(isEqual, string.Create(CultureInfo.InvariantCulture, $"element {i} is {actual[i]:R}; expected {expected[i]:R}"));
        }
    }
}
