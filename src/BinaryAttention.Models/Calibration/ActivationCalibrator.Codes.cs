// Codes for one layer of any model from captured activations: head by head as VisionTransformerCalibrator does it.
namespace BinaryAttention.Models.Calibration;

/// <content>Codes with all recipes.</content>
public static partial class ActivationCalibrator
{
    /// <summary>Finds codes from queries and keys, by formula or by learning the matrices behind the projections (recipes A and B).</summary>
    /// <param name="query">Queries <c>[images, heads, tokens, dimension]</c>.</param>
    /// <param name="key">Keys of the same shape.</param>
    /// <param name="imageCount">Images, or other pieces of input that attend within themselves; at least <see cref="VisionTransformerCalibrator.MinImages"/>.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="dimension">Channels of a head.</param>
    /// <param name="options">Recipe <see cref="CalibrationRecipe.ClosedForm"/> or <see cref="CalibrationRecipe.Rotation"/>, planes, lengths, rank, steps, seed. Layers and exact rows are the caller's affair.</param>
    /// <param name="specialTokenCount">Leading tokens whose rows weigh <see cref="CalibrationOptions.SpecialRowWeight"/>.</param>
    /// <param name="cancellationToken">Checked between steps.</param>
    /// <exception cref="ArgumentException">Lengths or options do not fit, there are too few images, or a value is not finite.</exception>
    public static ActivationCodes FitCodes(ReadOnlySpan<float> query, ReadOnlySpan<float> key, int imageCount, int headCount, int tokenCount, int dimension, CalibrationOptions options, int specialTokenCount = 0, CancellationToken cancellationToken = default)
    {
        CheckCodes(options, imageCount, headCount, tokenCount, dimension, specialTokenCount);
        if (options.Recipe == CalibrationRecipe.Projection)
        {
            throw new ArgumentException("Recipe is Projection, which learns the layer's projections and needs its input. Call FitProjections, or use Rotation.", nameof(options));
        }

        Check(query, nameof(query), imageCount, headCount, tokenCount, dimension);
        Check(key, nameof(key), imageCount, headCount, tokenCount, dimension);
        var heads = new HeadActivations[headCount];
        for (int head = 0; head < headCount; head++)
        {
            heads[head] = new HeadActivations(Slices(query, imageCount, headCount, tokenCount * dimension, head), Slices(key, imageCount, headCount, tokenCount * dimension, head), dimension, tokenCount, dimension);
        }

        return Run(heads, [], options, specialTokenCount, cancellationToken);
    }

    /// <summary>Finds codes from the input of a layer's projections, with any recipe; <see cref="CalibrationRecipe.Projection"/> learns the projections themselves (recipe C).</summary>
    /// <param name="input">What the projections of queries and keys take, <c>[images, tokens, width]</c>.</param>
    /// <param name="queryWeight">The projection of the queries <c>[heads * dimension, width]</c>: <c>q = input queryWeight^T + queryBias</c>.</param>
    /// <param name="queryBias">Its bias <c>[heads * dimension]</c>, or empty.</param>
    /// <param name="keyWeight">The projection of the keys.</param>
    /// <param name="keyBias">Its bias, or empty.</param>
    /// <param name="imageCount">Images; at least <see cref="VisionTransformerCalibrator.MinImages"/>.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="dimension">Channels of a head.</param>
    /// <param name="options">Recipe, planes, lengths, rank, steps, seed.</param>
    /// <param name="specialTokenCount">Leading tokens whose rows weigh <see cref="CalibrationOptions.SpecialRowWeight"/>.</param>
    /// <param name="cancellationToken">Checked between steps.</param>
    /// <exception cref="ArgumentException">Lengths or options do not fit, there are too few images, or a value is not finite.</exception>
    public static ActivationCodes FitProjections(ReadOnlySpan<float> input, ReadOnlySpan<float> queryWeight, ReadOnlySpan<float> queryBias, ReadOnlySpan<float> keyWeight, ReadOnlySpan<float> keyBias, int imageCount, int headCount, int tokenCount, int dimension, CalibrationOptions options, int specialTokenCount = 0, CancellationToken cancellationToken = default)
    {
        CheckCodes(options, imageCount, headCount, tokenCount, dimension, specialTokenCount);
        int inner = checked(headCount * dimension), width = queryWeight.Length / inner;
        if (width == 0 || queryWeight.Length % inner != 0 || keyWeight.Length != queryWeight.Length)
        {
            throw new ArgumentException($"queryWeight has {queryWeight.Length} values and keyWeight {keyWeight.Length}; heads x dimension = {headCount} x {dimension} rows of the same width are expected in both.", nameof(queryWeight));
        }

        foreach ((int length, string name) in ((int, string)[])[(queryBias.Length, nameof(queryBias)), (keyBias.Length, nameof(keyBias))])
        {
            if (length != 0 && length != inner)
            {
                throw new ArgumentException($"{name} has {length} values; {inner}, one for each row, or none are expected.", name);
            }
        }

        Check(input, nameof(input), imageCount, 1, tokenCount, width);
        float[][] inputs = Slices(input, imageCount, 1, tokenCount * width, 0);
        var heads = new HeadActivations[headCount];
        var projections = new HeadProjections[headCount];
        for (int head = 0; head < headCount; head++)
        {
            int row = head * dimension;
            HeadProjections own = projections[head] = new HeadProjections(
                queryWeight.Slice(row * width, dimension * width).ToArray(), queryBias.IsEmpty ? [] : queryBias.Slice(row, dimension).ToArray(),
                keyWeight.Slice(row * width, dimension * width).ToArray(), keyBias.IsEmpty ? [] : keyBias.Slice(row, dimension).ToArray());
            heads[head] = new HeadActivations(
                HeadActivations.Project(inputs, tokenCount, own.Query, own.QueryBias, dimension), HeadActivations.Project(inputs, tokenCount, own.Key, own.KeyBias, dimension), DenseProduct.Pitch(dimension), tokenCount, dimension, inputs);
        }

        return Run(heads, projections, options, specialTokenCount, cancellationToken);
    }

    private static ActivationCodes Run(HeadActivations[] heads, HeadProjections[] projections, CalibrationOptions options, int specialTokenCount, CancellationToken cancellationToken)
    {
        var weights = new float[heads[0].TokenCount];
        Array.Fill(weights, 1);
        weights.AsSpan(0, specialTokenCount).Fill(options.SpecialRowWeight);
        var results = new HeadCalibrationResult[heads.Length];
        var budget = new CalibrationBudget(options, heads.Length);
        WorkItems.Run(heads.Length, options.MaxDegreeOfParallelism, head => results[head] = HeadCalibration.Run(heads[head], projections.Length == 0 ? null : projections[head], options, budget, weights, learns: true, ((ulong)(uint)options.Seed << 32) | (uint)head, cancellationToken), cancellationToken);
        return new ActivationCodes(results, heads[0].Dimension, takesLayerInput: projections.Length > 0);
    }

    private static void CheckCodes(CalibrationOptions options, int imageCount, int headCount, int tokenCount, int dimension, int specialTokenCount)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (imageCount < VisionTransformerCalibrator.MinImages)
        {
            throw new ArgumentException($"imageCount is {imageCount}; at least {VisionTransformerCalibrator.MinImages} images are expected.", nameof(imageCount));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(headCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(specialTokenCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(specialTokenCount, tokenCount);
        if (options.Rank >= dimension)
        {
            throw new ArgumentException($"Rank is {options.Rank}; less than the {dimension} channels of a head is expected.", nameof(options));
        }
    }
}
