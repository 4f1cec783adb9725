// What the rows of one (batch, query head) share in 8-bit attention:
//   mean_c = float32(sum_j k_jc / keys) over the valid keys, in double, in order
//   per token with c = q, or k - mean (in double):   m = max|c|,   scale = float32(m / 127),   level = round half to even(c * (127 / m)),   zeros if m = 0
//   logit_ij = queryScale_i * logitScale * keyScale_j * (levels_i . levels_j) + bias_ij
namespace BinaryAttention.Reference;

internal sealed class ReferenceEightBitHead
{
    private readonly ReferenceInputs _inputs;

    public ReferenceEightBitHead(ReferenceInputs inputs, int batch, int head)
    {
        _inputs = inputs;
        (Batch, Head, KeyHead) = (batch, head, head / inputs.Specification.HeadsPerKeyHead);
        int validQueries = inputs.Specification.ValidQueries(batch);
        int validKeys = inputs.Specification.ValidKeys(batch);
        IsFinite = AreFinite(inputs.Query, head, validQueries) && AreFinite(inputs.Key, KeyHead, validKeys);
        KeyMeans = new float[inputs.Key.Dimension];
        for (int channel = 0; channel < KeyMeans.Length; channel++)
        {
            double sum = 0;
            for (int key = 0; key < validKeys; key++)
            {
                sum += inputs.Key.Token(batch, KeyHead, key)[channel];
            }

            KeyMeans[channel] = validKeys == 0 ? 0 : (float)(sum / validKeys);
        }

        QueryScales = new float[inputs.Query.TokenCount];
        KeyScales = new float[inputs.Key.TokenCount];
        QueryLevels = IsFinite ? Levels(inputs.Query, head, validQueries, new float[KeyMeans.Length], QueryScales) : [];
        KeyLevels = IsFinite ? Levels(inputs.Key, KeyHead, validKeys, KeyMeans, KeyScales) : [];
        Values = new ReferenceValues(inputs.Value, batch, KeyHead, inputs.Specification.Quantization, validKeys);
    }

    public int Batch { get; }

    public int Head { get; }

    public int KeyHead { get; }

    /// <summary>False if a valid query or key of the head is NaN or infinite; its whole output is NaN then.</summary>
    public bool IsFinite { get; }

    public float[] KeyMeans { get; }

    public float[] QueryScales { get; }

    public float[] KeyScales { get; }

    /// <summary>Levels of each valid query.</summary>
    public int[][] QueryLevels { get; }

    /// <summary>Levels of each valid key.</summary>
    public int[][] KeyLevels { get; }

    public ReferenceValues Values { get; }

    public ValueQuantization Quantization => _inputs.Specification.Quantization;

    public int ValidQueries => _inputs.Specification.ValidQueries(Batch);

    /// <summary>Fills one row of logits; masked pairs hold -infinity.</summary>
    public void Logits(int query, Span<double> row)
    {
        double rowFactor = (double)QueryScales[query] * _inputs.Specification.LogitScale;
        for (int key = 0; key < row.Length; key++)
        {
            row[key] = _inputs.Mask.Allows(Batch, Head, query, key)
                ? (rowFactor * KeyScales[key] * Dot(QueryLevels[query], KeyLevels[key])) + _inputs.BiasOf(Batch, Head, query, key)
                : double.NegativeInfinity;
        }
    }

    /// <summary>logitScale * query . mean key: the part of the logits that was left out, the same for all keys of a row.</summary>
    public double CommonLogit(int query)
    {
        ReadOnlySpan<float> token = _inputs.Query.Token(Batch, Head, query);
        double sum = 0;
        for (int channel = 0; channel < token.Length; channel++)
        {
            sum += (double)token[channel] * KeyMeans[channel];
        }

        return _inputs.Specification.LogitScale * sum;
    }

    private static int Dot(int[] left, int[] right)
    {
        int sum = 0;
        for (int channel = 0; channel < left.Length; channel++)
        {
            sum += left[channel] * right[channel];
        }

        return sum;
    }

    private bool AreFinite(ReferenceOperand operand, int head, int tokens)
    {
        for (int token = 0; token < tokens; token++)
        {
            foreach (float x in operand.Token(Batch, head, token))
            {
                if (!float.IsFinite(x))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private int[][] Levels(ReferenceOperand operand, int head, int tokens, float[] means, float[] scales)
    {
        var levels = new int[tokens][];
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> values = operand.Token(Batch, head, token);
            double maximum = 0;
            for (int channel = 0; channel < values.Length; channel++)
            {
                maximum = Math.Max(maximum, Math.Abs((double)values[channel] - means[channel]));
            }

            scales[token] = (float)(maximum / 127.0);
            levels[token] = new int[values.Length];
            double inverse = maximum == 0 ? 0 : 127.0 / maximum;
            for (int channel = 0; channel < values.Length; channel++)
            {
                levels[token][channel] = (int)Math.Round(((double)values[channel] - means[channel]) * inverse, MidpointRounding.ToEven);
            }
        }

        return levels;
    }
}
