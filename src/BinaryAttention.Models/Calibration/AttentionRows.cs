// Attention rows of one head and one image, by the float model and by codes, in buffers that are kept from image to image.
//
//   float:  P = softmax(logitScale q k^T)        codes:  Q = softmax(temperature logitScale A B^T + c + logitScale F G^T)
//   loss:   sum_i r_i KL(P_i || Q_i) / sum_i r_i
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Calibration;

internal sealed class AttentionRows
{
    private readonly int _tokens;
    private readonly int _pitch;
    private readonly float[] _transposed;
    private readonly float[] _row;

    /// <summary>Makes room.</summary>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="dimension">Channels of the head.</param>
    /// <param name="codePitch">Floats from one code to the next.</param>
    /// <param name="rankPitch">The same of the float factors; 0 for none.</param>
    /// <param name="queryRows">Most rows that are computed.</param>
    public AttentionRows(int tokenCount, int dimension, int codePitch, int rankPitch, int queryRows)
    {
        _tokens = tokenCount;
        _pitch = DenseProduct.Pitch(tokenCount);
        int squares = (int)RowValues(tokenCount, queryRows);
        _transposed = new float[Math.Max(Math.Max(DenseProduct.Pitch(dimension), codePitch), rankPitch) * _pitch];
        _row = new float[tokenCount];
        (Exact, ExactLogits, Probabilities, Products) = (new float[squares], new float[squares], new float[squares], new float[squares]);
        ExactNormalisers = new float[tokenCount];
        (QueryCodes, KeyCodes, QueryValues, KeyValues) = (new float[tokenCount * codePitch], new float[tokenCount * codePitch], new float[tokenCount * codePitch], new float[tokenCount * codePitch]);
        (QueryFactors, KeyFactors) = (new float[tokenCount * rankPitch], new float[tokenCount * rankPitch]);
        KeyBias = new float[_pitch];
        Additions = rankPitch > 0 ? new float[squares] : [];
    }

    /// <summary>Numbers of each buffer of whole rows.</summary>
    /// <exception cref="ArgumentException">They do not fit an array.</exception>
    public static long RowValues(int tokenCount, int queryRows)
    {
        long values = (long)queryRows * DenseProduct.Pitch(tokenCount);
        return values <= Array.MaxLength
            ? values
            : throw new ArgumentException($"{queryRows} attention rows of {tokenCount} tokens, which calibration holds whole, do not fit an array. Calibrate with smaller images: their codes serve larger ones too.", nameof(tokenCount));
    }

    /// <summary>Bytes of all buffers of whole rows: exact logits and probabilities, products, probabilities by codes, and the float part if there is one.</summary>
    public static long RowBytes(int tokenCount, int queryRows, bool hasRank) => (hasRank ? 5 : 4) * sizeof(float) * RowValues(tokenCount, queryRows);

    /// <summary>Floats from one row of probabilities to the next.</summary>
    public int Pitch => _pitch;

    /// <summary>Rows of the float model.</summary>
    public float[] Exact { get; }

    public float[] ExactLogits { get; }

    /// <summary>Logarithm of the sum of the exponentials of each row of <see cref="ExactLogits"/>.</summary>
    public float[] ExactNormalisers { get; }

    /// <summary>Rows by codes.</summary>
    public float[] Probabilities { get; }

    /// <summary><c>logitScale code(a) . code(b)</c>, without the temperature.</summary>
    public float[] Products { get; }

    public float[] QueryCodes { get; }

    public float[] KeyCodes { get; }

    public float[] QueryValues { get; }

    public float[] KeyValues { get; }

    public float[] QueryFactors { get; }

    public float[] KeyFactors { get; }

    public float[] KeyBias { get; }

    /// <summary>The float part of the logits, of codes with a rank.</summary>
    public float[] Additions { get; }

    /// <summary>Computes the rows of the float model.</summary>
    public void ComputeExact(HeadActivations head, int image, int queryRows)
    {
        DenseProduct.Transpose(head.Key(image), head.Stride, _transposed, _tokens, head.Dimension, _pitch);
        DenseProduct.Multiply(head.Query(image), head.Stride, 1, _transposed, ExactLogits, queryRows, head.Dimension, _pitch);
        for (int row = 0; row < queryRows; row++)
        {
            Span<float> logits = ExactLogits.AsSpan(row * _pitch, _tokens);
            TensorPrimitives.Multiply(logits, head.LogitScale, logits);
            ExactNormalisers[row] = Softmax(logits, Exact.AsSpan(row * _pitch, _tokens));
        }
    }

    /// <summary>Computes codes, their values, products and biases, all but the probabilities.</summary>
    public void ComputeCodes(HeadCode code, HeadActivations head, int image, int queryRows, bool smooth = false)
    {
        Apply(head.QuerySource(code, image, out int queryStride), queryStride, code.QueryWeight, code.QueryBias, code.QueryInputs, code.Pitch, QueryCodes, queryRows);
        ReadOnlySpan<float> keySource = head.KeySource(code, image, out int keyStride);
        Apply(keySource, keyStride, code.KeyWeight, code.KeyBias, code.KeyInputs, code.Pitch, KeyCodes, _tokens);
        for (int token = 0; token < _tokens; token++)
        {
            KeyBias[token] = TensorPrimitives.Dot(keySource.Slice(token * keyStride, code.KeyInputs), code.BiasWeight) + code.BiasOffset;
            int first = token * code.Pitch;
            SignCode.Encode(KeyCodes.AsSpan(first, code.CodeLength), KeyValues.AsSpan(first, code.CodeLength), code.WeightsKeys, code.KeyPlanes, smooth);
            if (token < queryRows)
            {
                SignCode.Encode(QueryCodes.AsSpan(first, code.CodeLength), QueryValues.AsSpan(first, code.CodeLength), weighted: true, code.QueryPlanes, smooth);
            }
        }

        Cross(QueryValues, KeyValues, code.Pitch, code.CodeLength, Products, head.LogitScale, queryRows);
        if (code.Rank > 0)
        {
            Apply(head.QuerySource(code, image, out _), queryStride, code.QueryFactor, code.QueryFactorBias, code.QueryInputs, code.RankPitch, QueryFactors, queryRows);
            Apply(keySource, keyStride, code.KeyFactor, code.KeyFactorBias, code.KeyInputs, code.RankPitch, KeyFactors, _tokens);
            Cross(QueryFactors, KeyFactors, code.RankPitch, code.Rank, Additions, head.LogitScale, queryRows);
        }
    }

    /// <summary>Probabilities of the codes at a temperature, and the weighted divergence of the float rows from them.</summary>
    /// <param name="temperature">Multiplies the products.</param>
    /// <param name="rowWeights">One weight per row; their number says how many rows there are.</param>
    public double ComputeProbabilities(float temperature, ReadOnlySpan<float> rowWeights)
    {
        double sum = 0, total = 0;
        for (int row = 0; row < rowWeights.Length; row++)
        {
            if (rowWeights[row] == 0)
            {
                continue;
            }

            Span<float> logits = _row;
            TensorPrimitives.MultiplyAdd(Products.AsSpan(row * _pitch, _tokens), temperature, KeyBias.AsSpan(0, _tokens), logits);
            if (Additions.Length > 0)
            {
                TensorPrimitives.Add(logits, Additions.AsSpan(row * _pitch, _tokens), logits);
            }

            float normaliser = Softmax(logits, Probabilities.AsSpan(row * _pitch, _tokens));
            TensorPrimitives.Subtract(ExactLogits.AsSpan(row * _pitch, _tokens), logits, logits);
            double divergence = TensorPrimitives.Dot(Exact.AsSpan(row * _pitch, _tokens), logits) - ((double)ExactNormalisers[row] - normaliser);
            sum += rowWeights[row] * divergence;
            total += rowWeights[row];
        }

        return total > 0 ? sum / total : 0;
    }

    // Softmax over one row; gives the logarithm of the sum of exponentials.
    private static float Softmax(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        float largest = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, largest, probabilities);
        TensorPrimitives.Exp(probabilities, probabilities);
        float sum = TensorPrimitives.Sum<float>(probabilities);
        TensorPrimitives.Multiply(probabilities, 1 / sum, probabilities);
        return largest + MathF.Log(sum);
    }

    private static void Apply(ReadOnlySpan<float> source, int stride, float[] weight, float[] bias, int inputs, int pitch, float[] target, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            bias.CopyTo(target, row * pitch);
        }

        DenseProduct.Multiply(source, stride, 1, weight, target, rows, inputs, pitch, add: true);
    }

    private void Cross(float[] queries, float[] keys, int keyPitch, int depth, float[] products, float scale, int queryRows)
    {
        DenseProduct.Transpose(keys, keyPitch, _transposed, _tokens, depth, _pitch);
        DenseProduct.Multiply(queries, keyPitch, 1, _transposed, products, queryRows, depth, _pitch);
        TensorPrimitives.Multiply(products.AsSpan(0, queryRows * _pitch), scale, products);
    }
}
