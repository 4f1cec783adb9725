// Three forms of the same thing: the core's AttentionCalibration on queries and keys, codes made from queries and keys, and the folded projection that a checkpoint holds.
using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed unsafe class FoldingTests
{
    private const int Heads = 2, Dimension = 16, Width = 24, Inner = Heads * Dimension, Tokens = 19, Images = 4;

    private static readonly float[] Weight = RandomValues.Uniform(31, 3 * Inner * Width, 0.4f);
    private static readonly float[] Bias = RandomValues.Uniform(32, 3 * Inner, 0.5f);
    private static readonly float[][] Inputs = [.. Enumerable.Range(0, Images).Select(static image => RandomValues.Uniform(40 + image, Tokens * Width, 1.5f))];

    [Theory]
    [InlineData(1, 1, KeyWeights.PerHead)]
    [InlineData(1, 1, KeyWeights.PerToken)]
    [InlineData(2, 2, KeyWeights.PerToken)]
    public void FoldedProjection_EqualsTheCoresCalibration(int queryPlanes, int keyPlanes, KeyWeights keyWeights)
    {
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, QueryPlanes = queryPlanes, KeyPlanes = keyPlanes, KeyWeights = keyWeights };
        float[] byCodes = RunCodes(options, out float[] temperatures);

        // The core's form: means, one rotation per head, temperature, on exact queries and keys.
        float[] fused = Fused();
        float[] queryCentre = new float[Inner], keyCentre = new float[Inner], rotations = new float[Heads * Dimension * Dimension];
        for (int head = 0; head < Heads; head++)
        {
            HeadActivations activations = Activations(head);
            HeadMoments query = HeadMoments.Measure(Images, activations.Query, Tokens, activations.Stride, Dimension, false), key = HeadMoments.Measure(Images, activations.Key, Tokens, activations.Stride, Dimension, false);
            for (int i = 0; i < Dimension; i++)
            {
                queryCentre[(head * Dimension) + i] = (float)query.Mean[i];
                keyCentre[(head * Dimension) + i] = (float)key.Mean[i];
            }

            double[] rotation = RandomRotation.Create(Dimension, Seed(head));
            for (int i = 0; i < rotation.Length; i++)
            {
                rotations[(head * Dimension * Dimension) + i] = (float)rotation[i];
            }
        }

        var shape = new AttentionShape(1, Heads, Tokens, Tokens, Dimension, Dimension) { QueryTokenStride = 3 * Inner, KeyTokenStride = 3 * Inner, ValueTokenStride = 3 * Inner };
        var expected = new float[Tokens * Inner];
        Attention.BinaryScaledDotProduct(fused, fused.AsSpan(Inner), fused.AsSpan(2 * Inner), expected, shape, new BinaryAttentionOptions
        {
            Layout = TensorLayout.TokenHeadDimension,
            Quantization = ValueQuantization.Full,
            QueryPlanes = queryPlanes,
            KeyPlanes = keyPlanes,
            Weighting = new SignWeighting(SignWeightingMode.MeanMagnitudePerToken, keyWeights == KeyWeights.PerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.None),
            Calibration = new AttentionCalibration { QueryCentre = queryCentre, KeyCentre = keyCentre, Rotation = rotations, Temperature = temperatures },
        });
        AssertClose(expected, byCodes, 2e-4);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 1)]
    [InlineData(2, 2)]
    public void FoldedProjection_EqualsTheRowsOfTheFit(int rank, int lengthFactor)
    {
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.Projection, Steps = 5, Rank = rank, CodeLengthFactor = lengthFactor };
        float[] byCodes = RunCodes(options, out _);
        float[] fused = Fused();
        var expected = new float[Tokens * Inner];
        for (int head = 0; head < Heads; head++)
        {
            HeadCode code = Code(head, options);
            HeadActivations activations = Activations(head);
            var rows = new AttentionRows(Tokens, Dimension, code.Pitch, code.RankPitch, Tokens);
            float[] weights = [.. Enumerable.Repeat(1f, Tokens)];
            rows.ComputeExact(activations, 0, Tokens);
            rows.ComputeCodes(code, activations, 0, Tokens);
            rows.ComputeProbabilities(code.Temperature, weights);
            for (int i = 0; i < Tokens * Dimension; i++)
            {
                int token = i / Dimension, channel = i % Dimension;
                expected[(token * Inner) + (head * Dimension) + channel] = Enumerable.Range(0, Tokens).Sum(j => rows.Probabilities[(token * rows.Pitch) + j] * fused[(j * 3 * Inner) + (2 * Inner) + (head * Dimension) + channel]);
            }
        }

        AssertClose(expected, byCodes, 2e-4);
    }

    [Fact]
    public void ExactSpecialRows_AreThoseOfExactAttention()
    {
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, ExactSpecialRows = true };
        float[] byCodes = RunCodes(options, out _), fused = Fused(), expected = new float[Tokens * Inner];
        var shape = new AttentionShape(1, Heads, Tokens, Tokens, Dimension, Dimension) { QueryTokenStride = 3 * Inner, KeyTokenStride = 3 * Inner, ValueTokenStride = 3 * Inner };
        Attention.ScaledDotProduct(fused, fused.AsSpan(Inner), fused.AsSpan(2 * Inner), expected, shape, new AttentionOptions { Layout = TensorLayout.TokenHeadDimension });
        AssertClose(expected[..Inner], byCodes[..Inner], 1e-4);
        Assert.NotEqual(expected[Inner], byCodes[Inner], 1e-4);
    }

    private static ulong Seed(int head) => 77UL + (ulong)head;

    private static HeadProjections Projections(int head) => HeadProjections.Cut(Weight, Bias, head, Dimension, Inner);

    private static HeadActivations Activations(int head)
    {
        HeadProjections own = Projections(head);
        return new HeadActivations(
            HeadActivations.Project(Inputs, Tokens, own.Query, own.QueryBias, Dimension), HeadActivations.Project(Inputs, Tokens, own.Key, own.KeyBias, Dimension), DenseProduct.Pitch(Dimension), Tokens, Dimension, Inputs);
    }

    private static HeadCode Code(int head, CalibrationOptions options) =>
        HeadCalibration.Run(Activations(head), Projections(head), options, new CalibrationBudget(options, Heads), [.. Enumerable.Repeat(1f, Tokens)], learns: true, Seed(head), CancellationToken.None).Code;

    private static float[] Fused()
    {
        var fused = new float[Tokens * 3 * Inner];
        new Linear(Weight, Bias, 3 * Inner, Width).Forward(Inputs[0], fused, Tokens);
        return fused;
    }

    private static float[] RunCodes(CalibrationOptions options, out float[] temperatures)
    {
        LayerCodes codes = LayerCodes.Create(0, [.. Enumerable.Range(0, Heads).Select(head => Code(head, options))], 0, 0);
        var form = new CalibratedForm
        {
            CodeLength = Dimension * options.CodeLengthFactor,
            Rank = options.Rank,
            QueryPlanes = options.QueryPlanes,
            KeyPlanes = options.KeyPlanes,
            WeightsKeys = options.KeyWeights == KeyWeights.PerToken,
            HasExactSpecialRows = options.ExactSpecialRows,
            Layers = [0],
        };
        temperatures = codes.Temperature;
        var attention = new CalibratedAttention(form, codes.Weight, codes.Bias, codes.Temperature, Weight, Bias, Heads, specialTokens: 1);
        BinaryAttentionOptions bound = attention.Bind(new BinaryAttentionOptions { Quantization = ValueQuantization.Full, Layout = TensorLayout.TokenHeadDimension });
        float[] projected = new float[Tokens * attention.OutputCount], attended = new float[Tokens * Inner];
        fixed (float* input = Inputs[0], target = projected)
        {
            attention.Project(input, target, Tokens);
        }

        attention.Attend(Inputs[0], projected, attended, 1, Tokens, onlySpecialRows: false, CpuAttentionBackend.Instance, bound, CancellationToken.None);
        return attended;
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        // A sign whose code is within rounding of 0 may differ; with these inputs none is.
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"[{i}]: expected {expected[i]}, found {actual[i]}");
        }
    }
}
