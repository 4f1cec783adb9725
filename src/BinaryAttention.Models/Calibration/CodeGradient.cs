// The gradient of the loss (AttentionRows) with respect to the codes of a head, derived by hand. With G = r_i (Q - P) / sum r, S = logitScale A B^T and t the temperature:
//
//   d t = sum G S         d c_j = sum_i G_ij         d A = t logitScale G B         d B = t logitScale G^T A
//
// and the same without t for the float factors; A and B go back through the signs (SignCode), then everything through the maps from their inputs.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Calibration;

internal sealed class CodeGradient
{
    private readonly HeadActivations _head;
    private readonly AttentionRows _rows;
    private readonly float[] _rowWeights;
    private readonly float[] _queryGradient;
    private readonly float[] _keyGradient;
    private readonly float[] _queryFactorGradient;
    private readonly float[] _keyFactorGradient;
    private readonly float[] _keyBiasGradient;
    private readonly float[] _scratch;

    public CodeGradient(HeadCode code, HeadActivations head, float[] rowWeights)
    {
        (_head, _rowWeights) = (head, rowWeights);
        _rows = new AttentionRows(head.TokenCount, head.Dimension, code.Pitch, code.RankPitch, rowWeights.Length);
        Sums = new HeadCode(code.QueryInputs, code.KeyInputs, code.CodeLength, code.Rank) { IsFolded = code.IsFolded, Temperature = 0 };
        (_queryGradient, _keyGradient) = (new float[head.TokenCount * code.Pitch], new float[head.TokenCount * code.Pitch]);
        (_queryFactorGradient, _keyFactorGradient) = (new float[head.TokenCount * code.RankPitch], new float[head.TokenCount * code.RankPitch]);
        _keyBiasGradient = new float[head.TokenCount];
        _scratch = new float[code.CodeLength];
    }

    /// <summary>The gradient so far, in the shapes of the codes.</summary>
    public HeadCode Sums { get; }

    public void Clear()
    {
        foreach (float[] tensor in Sums.Tensors())
        {
            Array.Clear(tensor);
        }

        Sums.Temperature = 0;
    }

    /// <summary>Adds the gradient of one image, times a share; gives the image's loss.</summary>
    public double Add(HeadCode code, int image, float share, bool smooth = false)
    {
        int queryRows = _rowWeights.Length, tokens = _head.TokenCount, pitch = _rows.Pitch;
        _rows.ComputeExact(_head, image, queryRows);
        _rows.ComputeCodes(code, _head, image, queryRows, smooth);
        double loss = _rows.ComputeProbabilities(code.Temperature, _rowWeights);
        float[] gradient = Difference(share, queryRows, tokens, pitch);

        ReadOnlySpan<float> querySource = _head.QuerySource(code, image, out int queryStride), keySource = _head.KeySource(code, image, out int keyStride);
        float scale = code.Temperature * _head.LogitScale;
        DenseProduct.Multiply(gradient, pitch, 1, _rows.KeyValues, _queryGradient, queryRows, tokens, code.Pitch);
        DenseProduct.Multiply(gradient, 1, pitch, _rows.QueryValues, _keyGradient, tokens, queryRows, code.Pitch);
        ThroughSigns(_rows.QueryCodes, _queryGradient, queryRows, code, weighted: true, scale, smooth);
        ThroughSigns(_rows.KeyCodes, _keyGradient, tokens, code, code.WeightsKeys, scale, smooth);
        ThroughMap(querySource, queryStride, _queryGradient, queryRows, code.QueryInputs, code.Pitch, Sums.QueryWeight, Sums.QueryBias);
        ThroughMap(keySource, keyStride, _keyGradient, tokens, code.KeyInputs, code.Pitch, Sums.KeyWeight, Sums.KeyBias);
        for (int token = 0; token < tokens; token++)
        {
            TensorPrimitives.MultiplyAdd(keySource.Slice(token * keyStride, code.KeyInputs), _keyBiasGradient[token], Sums.BiasWeight, Sums.BiasWeight);
        }

        if (code.Rank > 0)
        {
            DenseProduct.Multiply(gradient, pitch, 1, _rows.KeyFactors, _queryFactorGradient, queryRows, tokens, code.RankPitch);
            DenseProduct.Multiply(gradient, 1, pitch, _rows.QueryFactors, _keyFactorGradient, tokens, queryRows, code.RankPitch);
            TensorPrimitives.Multiply(_queryFactorGradient, _head.LogitScale, _queryFactorGradient);
            TensorPrimitives.Multiply(_keyFactorGradient, _head.LogitScale, _keyFactorGradient);
            ThroughMap(querySource, queryStride, _queryFactorGradient, queryRows, code.QueryInputs, code.RankPitch, Sums.QueryFactor, Sums.QueryFactorBias);
            ThroughMap(keySource, keyStride, _keyFactorGradient, tokens, code.KeyInputs, code.RankPitch, Sums.KeyFactor, Sums.KeyFactorBias);
        }

        return loss;
    }

    // G in the place of the probabilities, with what it says of temperature and key biases.
    private float[] Difference(float share, int queryRows, int tokens, int pitch)
    {
        float[] gradient = _rows.Probabilities;
        float total = TensorPrimitives.Sum<float>(_rowWeights);
        Array.Clear(_keyBiasGradient);
        double temperature = 0;
        for (int row = 0; row < queryRows; row++)
        {
            Span<float> line = gradient.AsSpan(row * pitch, tokens);
            if (_rowWeights[row] == 0)
            {
                line.Clear();
                continue;
            }

            TensorPrimitives.Subtract(line, _rows.Exact.AsSpan(row * pitch, tokens), line);
            TensorPrimitives.Multiply(line, share * _rowWeights[row] / total, line);
            TensorPrimitives.Add(_keyBiasGradient, line, _keyBiasGradient);
            temperature += TensorPrimitives.Dot(line, _rows.Products.AsSpan(row * pitch, tokens));
        }

        Sums.Temperature += (float)temperature;
        return gradient;
    }

    private void ThroughSigns(float[] codes, float[] gradient, int rows, HeadCode code, bool weighted, float scale, bool smooth)
    {
        TensorPrimitives.Multiply(gradient.AsSpan(0, rows * code.Pitch), scale, gradient);
        for (int row = 0; row < rows; row++)
        {
            SignCode.Backward(codes.AsSpan(row * code.Pitch, code.CodeLength), gradient.AsSpan(row * code.Pitch, code.CodeLength), weighted, _scratch, smooth);
        }
    }

    private static void ThroughMap(ReadOnlySpan<float> source, int stride, float[] gradient, int rows, int inputs, int pitch, float[] matrix, float[] bias)
    {
        DenseProduct.Multiply(source, 1, stride, gradient, matrix, inputs, rows, pitch, add: true);
        for (int row = 0; row < rows; row++)
        {
            TensorPrimitives.Add(bias, gradient.AsSpan(row * pitch, pitch), bias);
        }
    }
}
