// One-bit self-attention by the codes of a calibrated checkpoint. One fused projection leaves, token by token,
//
//   codes of queries [heads, code] | codes of keys [heads, code] | values [heads, dimension] | bias per key [heads] | query factors [heads, rank] | key factors [heads, rank]
//
// and the backend reads codes and values in place: rows weighted by the mean magnitude of their code, a temperature per head, the bias (and the product of the float
// factors) added. Rows of special tokens may be computed exactly instead: with u = Wk_h^T q_h a row costs one dot product of u with each token's input per head.
using System.Numerics.Tensors;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class CalibratedAttention
{
    private readonly CalibratedForm _form;
    private readonly Linear _projection;
    private readonly float[] _temperature;
    private readonly float[] _queryKey;
    private readonly float[] _queryBias;
    private readonly int _heads, _dimension, _specialTokens;
    private readonly float _logitScale;

    /// <summary>Packs the weights.</summary>
    /// <param name="form">What the checkpoint holds.</param>
    /// <param name="weight">The checkpoint's code projection <c>[form.OutputCount(heads), width]</c>.</param>
    /// <param name="bias">Its bias.</param>
    /// <param name="temperature">One number per head.</param>
    /// <param name="queryKeyValue">The exact projection <c>[3 * heads * dimension, width]</c>, whose values are used, and whose queries and keys serve exact rows.</param>
    /// <param name="queryKeyValueBias">Its bias, or empty.</param>
    /// <param name="headCount">Heads.</param>
    /// <param name="specialTokens">Special tokens at the start of every image.</param>
    public CalibratedAttention(CalibratedForm form, float[] weight, float[] bias, float[] temperature, float[] queryKeyValue, float[] queryKeyValueBias, int headCount, int specialTokens)
    {
        int codes = 2 * headCount * form.CodeLength, outputs = bias.Length, width = weight.Length / outputs;
        int inner = queryKeyValue.Length / width / 3;
        (_form, _temperature, _heads, _dimension, _specialTokens) = (form, temperature, headCount, inner / headCount, specialTokens);
        _logitScale = (float)(1 / Math.Sqrt(_dimension));
        float[] fused = [.. weight.AsSpan(0, codes * width), .. queryKeyValue.AsSpan(2 * inner * width), .. weight.AsSpan(codes * width)];
        ReadOnlySpan<float> valueBias = queryKeyValueBias.Length == 0 ? new float[inner] : queryKeyValueBias.AsSpan(2 * inner);
        float[] fusedBias = [.. bias.AsSpan(0, codes), .. valueBias, .. bias.AsSpan(codes)];
        _projection = new Linear(fused, fusedBias, fusedBias.Length, width);
        _queryKey = form.HasExactSpecialRows ? queryKeyValue[..(2 * inner * width)] : [];
        _queryBias = form.HasExactSpecialRows && queryKeyValueBias.Length > 0 ? queryKeyValueBias[..inner] : new float[inner];
    }

    /// <summary>Numbers that the fused projection leaves for a token.</summary>
    public int OutputCount => _projection.Outputs;

    /// <summary>Completes the options of the layer: all but the bias, which depends on the input.</summary>
    public BinaryAttentionOptions Bind(BinaryAttentionOptions options) => options with
    {
        LogitScale = _logitScale,
        Weighting = new SignWeighting(SignWeightingMode.MeanMagnitudePerToken, _form.WeightsKeys ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.None),
        QueryPlanes = _form.QueryPlanes,
        KeyPlanes = _form.KeyPlanes,
        Calibration = new AttentionCalibration { Temperature = _temperature },
    };

    /// <summary>The fused projection, in float32: signs near 0 would not survive 8 bits.</summary>
    public void Project(float* normalised, float* projected, int rows) => _projection.Forward(normalised, projected, rows);

    /// <summary>The attention behind the projection.</summary>
    /// <param name="normalised"><c>[batchSize * tokenCount, width]</c>, what was projected.</param>
    /// <param name="projected"><c>[batchSize * tokenCount, OutputCount]</c>, perhaps followed by more.</param>
    /// <param name="attended">Receives <c>[batchSize * tokenCount, heads * dimension]</c>.</param>
    /// <param name="batchSize">Images.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="onlySpecialRows">Whether the rows of other tokens are not needed.</param>
    /// <param name="backend">What computes the attention.</param>
    /// <param name="options">Options from <see cref="Bind"/>.</param>
    /// <param name="cancellationToken">Checked while the attention runs.</param>
    public void Attend(ReadOnlySpan<float> normalised, ReadOnlySpan<float> projected, Span<float> attended, int batchSize, int tokenCount, bool onlySpecialRows, IAttentionBackend backend, BinaryAttentionOptions options, CancellationToken cancellationToken)
    {
        int rows = batchSize * tokenCount, stride = OutputCount, codes = _heads * _form.CodeLength;
        ReadOnlySpan<float> fused = projected[..(rows * stride)];
        if (!onlySpecialRows || !_form.HasExactSpecialRows)
        {
            var shape = new AttentionShape(batchSize, _heads, tokenCount, tokenCount, _form.CodeLength, _dimension) { QueryTokenStride = stride, KeyTokenStride = stride, ValueTokenStride = stride };
            AttentionBias bias = Bias(fused[((2 * codes) + (_heads * _dimension))..], stride, batchSize, tokenCount);
            backend.BinaryScaledDotProduct(fused, fused[codes..], fused[(2 * codes)..], attended, shape, options with { Bias = bias }, default, cancellationToken);
        }

        if (_form.HasExactSpecialRows)
        {
            SpecialRows(normalised, fused[(2 * codes)..], stride, attended, batchSize, tokenCount);
        }
    }

    /// <summary>A bias per key, or, with float factors, a product of factors whose last column is that bias.</summary>
    private AttentionBias Bias(ReadOnlySpan<float> tail, int stride, int batchSize, int tokenCount)
    {
        int rank = _form.Rank, columns = rank + 1;
        var keys = new float[checked(batchSize * _heads * tokenCount * columns)];
        float[] queries = rank > 0 ? new float[keys.Length] : [];
        for (int i = 0; i < batchSize * _heads * tokenCount; i++)
        {
            int token = i % tokenCount, head = i / tokenCount % _heads, item = i / tokenCount / _heads;
            ReadOnlySpan<float> source = tail[(((item * tokenCount) + token) * stride)..];
            for (int r = 0; r < rank; r++)
            {
                queries[(i * columns) + r] = Finite(_logitScale * source[_heads + (head * rank) + r]);
                keys[(i * columns) + r] = Finite(source[_heads + ((_heads + head) * rank) + r]);
            }

            keys[(i * columns) + rank] = Finite(source[head]);
            if (rank > 0)
            {
                queries[(i * columns) + rank] = 1;
            }
        }

        return rank == 0 ? AttentionBias.PerKey(keys, batchSize, _heads, tokenCount) : AttentionBias.LowRank(queries, keys, batchSize, _heads, tokenCount, tokenCount, columns);
    }

    // A bias may not be NaN or infinite; whatever made it so is in the codes too and gives NaN there.
    private static float Finite(float value) => float.IsFinite(value) ? value : 0;

    private void SpecialRows(ReadOnlySpan<float> normalised, ReadOnlySpan<float> values, int stride, Span<float> attended, int batchSize, int tokenCount)
    {
        int inner = _heads * _dimension, width = _projection.Inputs;
        float[] direction = new float[width], row = new float[tokenCount];
        for (int item = 0; item < batchSize; item++)
        {
            ReadOnlySpan<float> tokens = normalised.Slice(item * tokenCount * width, tokenCount * width), itemValues = values[(item * tokenCount * stride)..];
            for (int special = 0; special < _specialTokens; special++)
            {
                for (int head = 0; head < _heads; head++)
                {
                    Direction(tokens.Slice(special * width, width), head, direction);
                    for (int token = 0; token < tokenCount; token++)
                    {
                        row[token] = _logitScale * TensorPrimitives.Dot(tokens.Slice(token * width, width), direction);
                    }

                    Average(row, itemValues[(head * _dimension)..], stride, attended.Slice((((item * tokenCount) + special) * inner) + (head * _dimension), _dimension));
                }
            }
        }
    }

    // u = Wk_h^T (Wq_h x + bq_h). The bias of the keys adds the same to all of them and drops out.
    private void Direction(ReadOnlySpan<float> token, int head, Span<float> direction)
    {
        int inner = _heads * _dimension, width = token.Length;
        direction.Clear();
        for (int channel = head * _dimension; channel < (head + 1) * _dimension; channel++)
        {
            float query = TensorPrimitives.Dot(token, _queryKey.AsSpan(channel * width, width)) + _queryBias[channel];
            TensorPrimitives.MultiplyAdd(_queryKey.AsSpan((inner + channel) * width, width), query, direction, direction);
        }
    }

    private static void Average(Span<float> row, ReadOnlySpan<float> values, int stride, Span<float> result)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Max<float>(row), row);
        TensorPrimitives.Exp(row, row);
        float sum = TensorPrimitives.Sum<float>(row);
        result.Clear();
        for (int token = 0; token < row.Length; token++)
        {
            TensorPrimitives.MultiplyAdd(values.Slice(token * stride, result.Length), row[token] / sum, result, result);
        }
    }
}
