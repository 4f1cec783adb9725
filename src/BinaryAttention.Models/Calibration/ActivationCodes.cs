// Codes of all heads of one attention layer of any model, ready to be put in the place of its queries and keys. HeadCode tells what is computed.
namespace BinaryAttention.Models.Calibration;

/// <summary>Codes for one-bit attention that were found from captured activations of one layer (<see cref="ActivationCalibrator"/>). Immutable; use it from any thread.</summary>
public sealed class ActivationCodes
{
    private readonly HeadCode[] _heads;
    private readonly int _dimension;

    internal ActivationCodes(HeadCalibrationResult[] heads, int dimension, bool takesLayerInput)
    {
        _heads = [.. heads.Select(static head => head.Code)];
        (_dimension, TakesLayerInput) = (dimension, takesLayerInput);
        NaiveDivergence = heads.Average(static head => head.NaiveDivergence);
        Divergence = heads.Average(static head => head.Divergence);
    }

    /// <summary>Whether codes are made from the input of the layer's projections rather than from queries and keys.</summary>
    public bool TakesLayerInput { get; }

    /// <summary>Heads.</summary>
    public int HeadCount => _heads.Length;

    /// <summary>Signs of a token, head and plane.</summary>
    public int CodeLength => _heads[0].CodeLength;

    /// <summary>Divergence of the attention rows from the exact ones when the signs of queries and keys are taken as they are, mean over heads and some images, in nats.</summary>
    public double NaiveDivergence { get; }

    /// <summary>The same by these codes.</summary>
    public double Divergence { get; }

    /// <summary>Codes of queries and keys.</summary>
    /// <param name="query">Queries <c>[batch, heads, tokens, dimension]</c>.</param>
    /// <param name="key">Keys of the same shape.</param>
    /// <param name="batchSize">Items.</param>
    /// <param name="tokenCount">Tokens of an item.</param>
    /// <exception cref="InvalidOperationException">The codes are made from the layer's input.</exception>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public CodedAttention Encode(ReadOnlySpan<float> query, ReadOnlySpan<float> key, int batchSize, int tokenCount)
    {
        if (TakesLayerInput)
        {
            throw new InvalidOperationException("These codes are made from the layer's input: its projections were learned. Call EncodeInput.");
        }

        Check(query.Length, nameof(query), batchSize, tokenCount, _heads.Length * _dimension);
        Check(key.Length, nameof(key), batchSize, tokenCount, _heads.Length * _dimension);
        return Encode(query, key, batchSize, tokenCount, _heads.Length * tokenCount * _dimension, tokenCount * _dimension);
    }

    /// <summary>Codes from the input of the layer's projections.</summary>
    /// <param name="input">What the projections of queries and keys take, <c>[batch, tokens, width]</c>.</param>
    /// <param name="batchSize">Items.</param>
    /// <param name="tokenCount">Tokens of an item.</param>
    /// <exception cref="InvalidOperationException">The codes are made from queries and keys.</exception>
    /// <exception cref="ArgumentException">The length does not fit.</exception>
    public CodedAttention EncodeInput(ReadOnlySpan<float> input, int batchSize, int tokenCount)
    {
        if (!TakesLayerInput)
        {
            throw new InvalidOperationException("These codes are made from queries and keys. Call Encode.");
        }

        int width = _heads[0].QueryInputs;
        Check(input.Length, nameof(input), batchSize, tokenCount, width);
        return Encode(input, input, batchSize, tokenCount, tokenCount * width, headStride: 0);
    }

    private static void Check(int length, string name, int batchSize, int tokenCount, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenCount, 1);
        if (length != (long)batchSize * tokenCount * width)
        {
            throw new ArgumentException($"{name} has {length} values; {batchSize} items of {tokenCount} tokens with {width} values each need {(long)batchSize * tokenCount * width}.", name);
        }
    }

    private CodedAttention Encode(ReadOnlySpan<float> query, ReadOnlySpan<float> key, int batchSize, int tokenCount, int itemStride, int headStride)
    {
        int heads = _heads.Length, code = CodeLength, rank = _heads[0].Rank, columns = rank + 1;
        long values = (long)batchSize * heads * tokenCount * Math.Max(code, columns);
        if (values > Array.MaxLength)
        {
            throw new ArgumentException($"The codes of {batchSize} items take {values} values, which do not fit one array. Encode fewer at a time.", nameof(batchSize));
        }

        float[] queries = new float[batchSize * heads * tokenCount * code], keys = new float[queries.Length];
        float[] queryFactors = new float[batchSize * heads * tokenCount * columns], keyFactors = new float[queryFactors.Length];
        var scratch = new float[tokenCount * Math.Max(_heads[0].Pitch, _heads[0].RankPitch)];
        float logitScale = (float)(1 / Math.Sqrt(_dimension));
        for (int item = 0; item < batchSize * heads; item++)
        {
            HeadCode head = _heads[item % heads];
            int first = (item / heads * itemStride) + (item % heads * headStride);
            ReadOnlySpan<float> x = query.Slice(first, tokenCount * head.QueryInputs), y = key.Slice(first, tokenCount * head.KeyInputs);
            Map(x, head.QueryInputs, head.QueryWeight, head.QueryBias, head.Pitch, code, 1, queries.AsSpan(item * tokenCount * code), code);
            Map(y, head.KeyInputs, head.KeyWeight, head.KeyBias, head.Pitch, code, 1, keys.AsSpan(item * tokenCount * code), code);
            Span<float> left = queryFactors.AsSpan(item * tokenCount * columns), right = keyFactors.AsSpan(item * tokenCount * columns);
            if (rank > 0)
            {
                Map(x, head.QueryInputs, head.QueryFactor, head.QueryFactorBias, head.RankPitch, rank, logitScale, left, columns);
                Map(y, head.KeyInputs, head.KeyFactor, head.KeyFactorBias, head.RankPitch, rank, 1, right, columns);
            }

            for (int token = 0; token < tokenCount; token++)
            {
                left[(token * columns) + rank] = 1;
                right[(token * columns) + rank] = System.Numerics.Tensors.TensorPrimitives.Dot(y.Slice(token * head.KeyInputs, head.KeyInputs), head.BiasWeight) + head.BiasOffset;
            }
        }

        AttentionBias bias = rank == 0 ? AttentionBias.PerKey(keyFactors, batchSize, heads, tokenCount) : AttentionBias.LowRank(queryFactors, keyFactors, batchSize, heads, tokenCount, tokenCount, columns);
        var options = new BinaryAttentionOptions
        {
            LogitScale = logitScale,
            Weighting = new SignWeighting(SignWeightingMode.MeanMagnitudePerToken, _heads[0].WeightsKeys ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.None),
            QueryPlanes = _heads[0].QueryPlanes,
            KeyPlanes = _heads[0].KeyPlanes,
            Calibration = new AttentionCalibration { Temperature = _heads.Select(static head => head.Temperature).ToArray() },
            Bias = bias,
        };
        return new CodedAttention(queries, keys, options, batchSize, heads, tokenCount, code);

        void Map(ReadOnlySpan<float> tokens, int inputs, float[] matrix, float[] offsets, int pitch, int outputs, float factor, Span<float> destination, int stride)
        {
            for (int token = 0; token < tokenCount; token++)
            {
                offsets.CopyTo(scratch, token * pitch);
            }

            DenseProduct.Multiply(tokens, inputs, 1, matrix, scratch, tokenCount, inputs, pitch, add: true);
            for (int token = 0; token < tokenCount; token++)
            {
                for (int output = 0; output < outputs; output++)
                {
                    destination[(token * stride) + output] = factor * scratch[(token * pitch) + output];
                }
            }
        }
    }
}
