namespace BinaryAttention.Models.Calibration;

/// <summary>
/// Calibrates the attention of any model from what was captured while it ran exactly: <see cref="Fit"/> by formula for the options of one-bit attention, <see cref="FitCodes"/> and
/// <see cref="FitProjections"/> with all recipes for codes that take the place of queries and keys.
/// </summary>
public static partial class ActivationCalibrator
{
    /// <summary>Finds what <see cref="BinaryAttentionOptions.Calibration"/> takes, for <c>new SignWeighting(MeanMagnitudePerToken, MeanMagnitudePerToken)</c> and the default logit scale.</summary>
    /// <param name="query">Queries <c>[images, heads, tokens, dimension]</c>.</param>
    /// <param name="key">Keys of the same shape.</param>
    /// <param name="imageCount">Images, or other pieces of input that attend within themselves; at least <see cref="VisionTransformerCalibrator.MinImages"/>.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="dimension">Channels of a head.</param>
    /// <param name="seed">Decides the rotations.</param>
    /// <returns>Means, one rotation and one temperature per head.</returns>
    /// <exception cref="ArgumentException">Lengths do not fit, there are too few images, or a value is not finite.</exception>
    public static AttentionCalibration Fit(ReadOnlySpan<float> query, ReadOnlySpan<float> key, int imageCount, int headCount, int tokenCount, int dimension, int seed = 1)
    {
        if (imageCount < VisionTransformerCalibrator.MinImages)
        {
            throw new ArgumentException($"imageCount is {imageCount}; at least {VisionTransformerCalibrator.MinImages} images are expected.", nameof(imageCount));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(headCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        Check(query, nameof(query), imageCount, headCount, tokenCount, dimension);
        Check(key, nameof(key), imageCount, headCount, tokenCount, dimension);
        int inner = headCount * dimension, square = dimension * dimension;
        float[] queryCentre = new float[inner], keyCentre = new float[inner], rotation = new float[headCount * square], temperature = new float[headCount];
        float[] rowWeights = new float[tokenCount];
        Array.Fill(rowWeights, 1);
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, KeyWeights = KeyWeights.PerToken };
        for (int head = 0; head < headCount; head++)
        {
            var activations = new HeadActivations(Slices(query, imageCount, headCount, tokenCount * dimension, head), Slices(key, imageCount, headCount, tokenCount * dimension, head), dimension, tokenCount, dimension);
            ulong own = ((ulong)(uint)seed << 32) | (uint)head;
            HeadCode code = ClosedForm.Create(activations, options, rowWeights, own);
            double[] matrix = RandomRotation.Create(dimension, own);
            double[] queryMean = HeadMoments.Measure(imageCount, activations.Query, tokenCount, dimension, dimension, false).Mean, keyMean = HeadMoments.Measure(imageCount, activations.Key, tokenCount, dimension, dimension, false).Mean;
            for (int i = 0; i < square; i++)
            {
                rotation[(head * square) + i] = (float)matrix[i];
            }

            for (int i = 0; i < dimension; i++)
            {
                queryCentre[(head * dimension) + i] = (float)queryMean[i];
                keyCentre[(head * dimension) + i] = (float)keyMean[i];
            }

            temperature[head] = code.Temperature;
        }

        return new AttentionCalibration { QueryCentre = queryCentre, KeyCentre = keyCentre, Rotation = rotation, Temperature = temperature };
    }

    private static float[][] Slices(ReadOnlySpan<float> operand, int images, int heads, int length, int head)
    {
        var slices = new float[images][];
        for (int image = 0; image < images; image++)
        {
            slices[image] = operand.Slice(((image * heads) + head) * length, length).ToArray();
        }

        return slices;
    }

    private static void Check(ReadOnlySpan<float> operand, string name, int images, int heads, int tokens, int dimension)
    {
        if (operand.Length != (long)images * heads * tokens * dimension)
        {
            throw new ArgumentException($"{name} has {operand.Length} values; imageCount x headCount x tokenCount x dimension = {images} x {heads} x {tokens} x {dimension} needs {(long)images * heads * tokens * dimension}.", name);
        }

        int bad = operand.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        if (bad >= 0)
        {
            throw new ArgumentException($"{name} holds {operand[bad]} at index {bad}; every activation must be finite.", name);
        }
    }
}
