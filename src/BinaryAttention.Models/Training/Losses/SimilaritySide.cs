// Queries or keys of one head as the logits see them, and the way of their gradient back:
//
//   exact          y = x                         dx = dy
//   one-bit        y = m s, s = sign(x)          dx = m dy [|x| <= 1] + (sum over the mean's members of dy s) sign0(x) / members
//
// m being the mean magnitude of the head or of the token, or 1 (then the second term is absent); sign0(0) = 0 as in the derivative of the absolute value.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Training.Losses;

internal sealed class SimilaritySide
{
    private readonly SignWeightingMode? _mode;
    private readonly float[] _raw, _magnitudes;
    private readonly int _tokens, _dimension;

    /// <summary>Copies the columns of one head.</summary>
    /// <param name="rows">The first token's columns.</param>
    /// <param name="stride">Distance between tokens.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="mode">The weighting of one-bit attention, or null for exact attention.</param>
    public SimilaritySide(ReadOnlySpan<float> rows, int stride, int tokens, int dimension, SignWeightingMode? mode)
    {
        (_mode, _tokens, _dimension) = (mode, tokens, dimension);
        _raw = new float[tokens * dimension];
        Values = new float[_raw.Length];
        _magnitudes = new float[tokens];
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> row = rows.Slice(token * stride, dimension);
            row.CopyTo(_raw.AsSpan(token * dimension));
            _magnitudes[token] = TensorPrimitives.SumOfMagnitudes(row) / dimension;
        }

        if (mode is null)
        {
            _raw.CopyTo(Values, 0);
            return;
        }

        if (mode == SignWeightingMode.MeanMagnitudePerHead)
        {
            Array.Fill(_magnitudes, TensorPrimitives.Sum<float>(_magnitudes) / tokens);
        }
        else if (mode == SignWeightingMode.None)
        {
            Array.Fill(_magnitudes, 1);
        }

        for (int i = 0; i < Values.Length; i++)
        {
            Values[i] = _raw[i] >= 0 ? _magnitudes[i / dimension] : -_magnitudes[i / dimension];
        }
    }

    /// <summary>What the logits multiply, <c>[tokens, dimension]</c>.</summary>
    public float[] Values { get; }

    /// <summary>Turns the gradient at <see cref="Values"/> into that at the columns, and adds it there.</summary>
    public void Backward(ReadOnlySpan<float> gradient, Span<float> rows, int stride)
    {
        float perHead = 0;
        if (_mode == SignWeightingMode.MeanMagnitudePerHead)
        {
            for (int token = 0; token < _tokens; token++)
            {
                perHead += SignSum(gradient, token);
            }

            perHead /= (float)_tokens * _dimension;
        }

        for (int token = 0; token < _tokens; token++)
        {
            float throughMean = _mode == SignWeightingMode.MeanMagnitudePerToken ? SignSum(gradient, token) / _dimension : perHead;
            Span<float> target = rows.Slice(token * stride, _dimension);
            for (int c = 0; c < _dimension; c++)
            {
                float x = _raw[(token * _dimension) + c], dy = gradient[(token * _dimension) + c];
                target[c] += _mode is null ? dy : (x is >= -1 and <= 1 ? _magnitudes[token] * dy : 0) + (x > 0 ? throughMean : x < 0 ? -throughMean : 0);
            }
        }
    }

    private float SignSum(ReadOnlySpan<float> gradient, int token)
    {
        float sum = 0;
        for (int i = token * _dimension; i < (token + 1) * _dimension; i++)
        {
            sum += _raw[i] >= 0 ? gradient[i] : -gradient[i];
        }

        return sum;
    }
}
