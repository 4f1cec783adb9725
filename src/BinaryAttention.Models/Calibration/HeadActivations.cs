// What one head saw while the float model ran: queries and keys of every image, and the layer's input where the projections themselves are learned.
namespace BinaryAttention.Models.Calibration;

internal sealed class HeadActivations
{
    private readonly float[][] _query;
    private readonly float[][] _key;
    private readonly float[][]? _input;

    /// <summary>Holds activations without copying them.</summary>
    /// <param name="query">Queries of each image <c>[tokens, stride]</c>.</param>
    /// <param name="key">Keys of each image <c>[tokens, stride]</c>.</param>
    /// <param name="stride">Floats from one token to the next in both.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="dimension">Channels of the head.</param>
    /// <param name="input">The layer's input of each image <c>[tokens, width]</c>; null if there is none.</param>
    public HeadActivations(float[][] query, float[][] key, int stride, int tokenCount, int dimension, float[][]? input = null)
    {
        (_query, _key, _input) = (query, key, input);
        (Stride, TokenCount, Dimension) = (stride, tokenCount, dimension);
        Width = input is null ? 0 : input[0].Length / tokenCount;
        LogitScale = (float)(1 / Math.Sqrt(dimension));
    }

    public int ImageCount => _query.Length;

    public int TokenCount { get; }

    public int Dimension { get; }

    public int Stride { get; }

    /// <summary>Channels of the layer's input.</summary>
    public int Width { get; }

    public float LogitScale { get; }

    public ReadOnlySpan<float> Query(int image) => _query[image];

    public ReadOnlySpan<float> Key(int image) => _key[image];

    /// <summary>What queries are coded from: the layer's input where the projections are folded in, else the queries.</summary>
    public ReadOnlySpan<float> QuerySource(HeadCode code, int image, out int stride) => Source(code, code.QueryInputs, _query, image, out stride);

    /// <summary>What keys are coded from.</summary>
    public ReadOnlySpan<float> KeySource(HeadCode code, int image, out int stride) => Source(code, code.KeyInputs, _key, image, out stride);

    /// <summary>The projections of one head applied to the layer's input: <c>h W^T + b</c>.</summary>
    /// <param name="input">Each image's <c>[tokens, width]</c>.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="projection">Rows of the head <c>[dimension, width]</c>.</param>
    /// <param name="bias">Their bias, or empty.</param>
    /// <param name="dimension">Channels of the head.</param>
    /// <returns>Each image's <c>[tokens, DenseProduct.Pitch(dimension)]</c>.</returns>
    public static float[][] Project(float[][] input, int tokenCount, ReadOnlySpan<float> projection, ReadOnlySpan<float> bias, int dimension)
    {
        int width = projection.Length / dimension, pitch = DenseProduct.Pitch(dimension);
        var columns = new float[width * pitch];
        DenseProduct.Transpose(projection, width, columns, dimension, width, pitch);
        var result = new float[input.Length][];
        for (int image = 0; image < result.Length; image++)
        {
            result[image] = new float[tokenCount * pitch];
            for (int token = 0; token < tokenCount && !bias.IsEmpty; token++)
            {
                bias.CopyTo(result[image].AsSpan(token * pitch));
            }

            DenseProduct.Multiply(input[image], width, 1, columns, result[image], tokenCount, width, pitch, add: true);
        }

        return result;
    }

    private ReadOnlySpan<float> Source(HeadCode code, int inputs, float[][] own, int image, out int stride)
    {
        float[][]? source = code.IsFolded ? _input : own;
        stride = code.IsFolded ? Width : Stride;
        if (source is null || inputs != (code.IsFolded ? Width : Dimension))
        {
            throw new InvalidOperationException($"the code takes {inputs} inputs; the activations have {Dimension} channels and {Width} of the layer's input.");
        }

        return source[image];
    }
}
