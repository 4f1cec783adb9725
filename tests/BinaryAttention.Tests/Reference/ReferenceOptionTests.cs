// The reference against NaiveProblem for every option beside weighting modes and biases (ReferenceForwardTests): masks, learned weights, second planes, the sign of zero, calibration, low rank, and
// all of them at once. Grouped heads and two batch items throughout.
using Xunit;
using static BinaryAttention.Tests.Reference.ReferenceForwardTests;

namespace BinaryAttention.Tests.Reference;

public sealed class ReferenceOptionTests
{
    private const double Tolerance = 2e-6;

    private static readonly AttentionShape Small = new(2, 4, 6, 9, 7, 3) { KeyHeadCount = 2 };

    // More than one block of 64 on both sides.
    private static readonly AttentionShape Blocks = new(2, 2, 70, 135, 5, 2) { KeyHeadCount = 1 };

    public static TheoryData<string> MaskNames() => [.. MaskCase.Names];

    public static TheoryData<int> CalibrationParts() => [.. Enumerable.Range(1, 15)];

    [Theory]
    [MemberData(nameof(MaskNames))]
    public void Masks_MatchTheFormula(string name)
    {
        foreach (AttentionShape shape in (AttentionShape[])[Small, Small with { QueryLength = 9, KeyLength = 6 }, Blocks])
        {
            var mask = MaskCase.Make(name, shape);
            Check(shape, new() { Mask = mask.Mask }, problem => With(problem, mask));
            Check(shape, new() { Mask = mask.Mask, Weighting = SignWeighting.MeanMagnitudePerToken }, problem => With(problem, mask) with { Rows = SignWeightingMode.MeanMagnitudePerToken, Columns = SignWeightingMode.MeanMagnitudePerToken });
            CheckExact(shape, mask);
        }
    }

    [Fact]
    public void LearnedWeights_MatchTheFormula()
    {
        float[] rows = GaussianData.Make(2 * 4 * 6, 21);
        float[] columns = GaussianData.Make(2 * 2 * 9, 22);
        (rows[1], columns[2]) = (0, 0);
        Check(Small, new() { Weighting = SignWeighting.Learned(rows, columns) }, problem => problem with
        {
            Rows = SignWeightingMode.Learned,
            Columns = SignWeightingMode.Learned,
            RowWeights = Doubles(rows),
            ColumnWeights = Doubles(columns),
        });
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public void SecondPlanes_MatchTheFormula(int queryPlanes, int keyPlanes)
    {
        SignWeightingMode[] modes = [SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerToken];
        foreach ((SignWeightingMode rows, SignWeightingMode columns) in modes.SelectMany(rows => modes.Select(columns => (rows, columns))))
        {
            foreach (string maskName in (string[])["causal", "causal and lengths"])
            {
                var mask = MaskCase.Make(maskName, Small);
                Check(Small, new() { Weighting = new SignWeighting(rows, columns), QueryPlanes = queryPlanes, KeyPlanes = keyPlanes, Mask = mask.Mask }, problem => With(problem, mask) with
                {
                    Rows = rows,
                    Columns = columns,
                    QueryPlanes = queryPlanes,
                    KeyPlanes = keyPlanes,
                });
            }
        }
    }

    [Theory]
    [InlineData(SignOfZero.Positive)]
    [InlineData(SignOfZero.Negative)]
    public void SignOfZero_MatchesTheFormula(SignOfZero signOfZero)
    {
        foreach (int planes in (int[])[1, 2])
        {
            Check(Small, new() { SignOfZero = signOfZero, QueryPlanes = planes, KeyPlanes = planes }, problem => problem with
            {
                ZeroIsNegative = signOfZero == SignOfZero.Negative,
                QueryPlanes = planes,
                KeyPlanes = planes,
            });
        }
    }

    [Theory]
    [MemberData(nameof(CalibrationParts))]
    public void Calibration_MatchesTheFormula(int parts)
    {
        AttentionCalibration calibration = Calibration(Small, parts);
        Check(Small, new() { Calibration = calibration }, problem => With(problem, calibration));
        Check(Small, new() { Calibration = calibration, LogitScale = -0.7f, Weighting = SignWeighting.PerTokenQuery }, problem => With(problem, calibration) with { LogitScale = -0.7f, Rows = SignWeightingMode.MeanMagnitudePerToken });
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 4)]
    [InlineData(2, 4)]
    public void LowRankBias_MatchesTheFormula(int batch, int heads)
    {
        const int Rank = 3;
        float[] queryFactors = GaussianData.Make(batch * heads * 6 * Rank, 51);
        float[] keyFactors = GaussianData.Make(batch * heads * 9 * Rank, 52);
        var bias = AttentionBias.LowRank(queryFactors, keyFactors, batch, heads, 6, 9, Rank);
        double BiasAt(int b, int h, int query, int key)
        {
            int plane = ((batch == 1 ? 0 : b) * heads) + (heads == 1 ? 0 : h);
            return Enumerable.Range(0, Rank).Sum(r => (double)queryFactors[(((plane * 6) + query) * Rank) + r] * keyFactors[(((plane * 9) + key) * Rank) + r]);
        }

        Check(Small, new() { Bias = bias }, problem => problem with { BiasAt = BiasAt });
    }

    [Fact]
    public void EverythingAtOnce_MatchesTheFormula()
    {
        var mask = MaskCase.Make("everything", Blocks);
        AttentionCalibration calibration = Calibration(Blocks, 15);
        float[] perKey = GaussianData.Make(135, 61);
        BinaryAttentionOptions options = new()
        {
            Mask = mask.Mask, Calibration = calibration, QueryPlanes = 2, KeyPlanes = 2, SignOfZero = SignOfZero.Negative, Weighting = SignWeighting.MeanMagnitudePerToken, LogitScale = 0.9f,
            Bias = AttentionBias.PerKey(perKey, 1, 1, 135),
        };
        Check(Blocks, options, problem => With(With(problem, mask), calibration) with
        {
            QueryPlanes = 2,
            KeyPlanes = 2,
            ZeroIsNegative = true,
            Rows = SignWeightingMode.MeanMagnitudePerToken,
            Columns = SignWeightingMode.MeanMagnitudePerToken,
            LogitScale = 0.9f,
            Bias = Doubles(perKey),
            BiasIndex = static (_, _, _, key) => key,
        });
    }

    private static void Check(AttentionShape shape, BinaryAttentionOptions options, Func<NaiveProblem, NaiveProblem> complete)
    {
        (float[] query, float[] key, float[] value) = OperandsWithZeros(shape);
        NaiveProblem problem = complete(Naive(query, key, value, shape));
        SpoilPadding(problem, query, key, value);
        (float[] output, float[] logSumExp) = Binary(query, key, value, shape, options with { Quantization = ValueQuantization.Full });
        Compare(problem, output, logSumExp);
    }

    private static void CheckExact(AttentionShape shape, MaskCase mask)
    {
        (float[] query, float[] key, float[] value) = OperandsWithZeros(shape);
        NaiveProblem problem = With(Naive(query, key, value, shape), mask) with { IsBinary = false };
        SpoilPadding(problem, query, key, value);
        var output = new float[shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension];
        var logSumExp = new float[shape.BatchSize * shape.HeadCount * shape.QueryLength];
        Attention.ScaledDotProduct(query, key, value, output, shape, new() { Mask = mask.Mask, Kernel = "reference" }, logSumExp);
        Compare(problem, output, logSumExp);
    }

    private static void Compare(NaiveProblem problem, float[] output, float[] logSumExp)
    {
        (double[] expected, double[] expectedLogSumExp) = problem.Attend();
        Close(expected, output, Tolerance);
        for (int row = 0; row < logSumExp.Length; row++)
        {
            // -infinity equals itself.
            Assert.True(expectedLogSumExp[row].Equals(logSumExp[row]) || Math.Abs(expectedLogSumExp[row] - logSumExp[row]) < 1e-5, FormattableString.Invariant($"logSumExp[{row}] is {logSumExp[row]:G9}, expected {expectedLogSumExp[row]:G9}"));
        }
    }

    private static (float[] Query, float[] Key, float[] Value) OperandsWithZeros(AttentionShape shape)
    {
        (float[] query, float[] key, float[] value) = Operands(shape);
        for (int i = 0; i < query.Length; i += 5)
        {
            query[i] = i % 2 == 0 ? 0f : -0f;
        }

        for (int i = 0; i < key.Length; i += 4)
        {
            key[i] = i % 8 == 0 ? 0f : -0f;
        }

        return (query, key, value);
    }

    // What the library must not read.
    private static void SpoilPadding(NaiveProblem problem, float[] query, float[] key, float[] value)
    {
        AttentionShape shape = problem.Shape;
        for (int item = 0; item < shape.BatchSize; item++)
        {
            Spoil(query, problem.QueryLengths, item, shape.HeadCount, shape.QueryLength, shape.HeadDimension);
            Spoil(key, problem.KeyLengths, item, shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension);
            Spoil(value, problem.KeyLengths, item, shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension);
        }
    }

    private static void Spoil(float[] values, int[]? lengths, int item, int heads, int tokens, int dimension)
    {
        for (int head = 0; head < heads && lengths is not null; head++)
        {
            int first = (((item * heads) + head) * tokens) + lengths[item];
            values.AsSpan(first * dimension, (tokens - lengths[item]) * dimension).Fill(float.NaN);
        }
    }

    private static NaiveProblem With(NaiveProblem problem, MaskCase mask) => problem with { Allows = mask.Allows, QueryLengths = mask.QueryLengths, KeyLengths = mask.KeyLengths };

    private static NaiveProblem With(NaiveProblem problem, AttentionCalibration calibration) => problem with
    {
        QueryCentre = Doubles(calibration.QueryCentre.ToArray()),
        KeyCentre = Doubles(calibration.KeyCentre.ToArray()),
        Rotation = Doubles(calibration.Rotation.ToArray()),
        Temperature = Doubles(calibration.Temperature.ToArray()),
    };

    // The rotation need not be one: any matrix shows the order of rows and columns.
    private static AttentionCalibration Calibration(AttentionShape shape, int parts) => new()
    {
        QueryCentre = (parts & 1) != 0 ? GaussianData.Make(shape.HeadCount * shape.HeadDimension, 71) : default(ReadOnlyMemory<float>),
        KeyCentre = (parts & 2) != 0 ? GaussianData.Make(shape.KeyHeadCount * shape.HeadDimension, 72) : default(ReadOnlyMemory<float>),
        Rotation = (parts & 4) != 0 ? GaussianData.Make(shape.KeyHeadCount * shape.HeadDimension * shape.HeadDimension, 73) : default(ReadOnlyMemory<float>),
        Temperature = (parts & 8) != 0 ? GaussianData.Make(shape.HeadCount, 74) : default(ReadOnlyMemory<float>),
    };
}
