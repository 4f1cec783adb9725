// The gradients in the plainest float32 loops, key after key: the yardstick of the tolerance rule. Signs, weights, values and 8-bit levels are the reference's; everything after them is float32.
using BinaryAttention.Kernels;
using BinaryAttention.Reference;

namespace BinaryAttention.Tests.Backward;

internal sealed class PlainFloatBackward
{
    private readonly AttentionSpecification _specification;
    private readonly ReferenceInputs _inputs;
    private readonly float[] _upstream;
    private readonly float[] _query;
    private readonly float[] _key;
    private readonly float[] _value;
    private readonly float[] _bias;
    private readonly float[] _keyFactors;
    private readonly float[] _rowWeights;
    private readonly float[] _columnWeights;

    private PlainFloatBackward(BackwardCase c)
    {
        float[][] operands = BackwardRunner.Operands(c);
        _specification = SpecificationBuilder.Build(c.Shape with { KeyHeadCount = c.KeyHeads }, c.Options(), c.IsBinary);
        _inputs = ReferenceInputs.Create(_specification, operands[0], operands[1], operands[2]);
        _upstream = operands[3];
        _query = new float[operands[0].Length];
        _key = new float[operands[1].Length];
        _value = new float[operands[2].Length];
        _bias = new float[_inputs.Bias?.Length ?? 0];
        _keyFactors = new float[_inputs.Bias?.KeyFactorLength ?? 0];
        _rowWeights = new float[_specification.Weighting.RowWeights.Length];
        _columnWeights = new float[_specification.Weighting.ColumnWeights.Length];
    }

    public static BackwardResult Run(BackwardCase c)
    {
        var plain = new PlainFloatBackward(c);
        for (int head = 0; head < c.Batch * c.Heads; head++)
        {
            plain.Head(c, head / c.Heads, head % c.Heads);
        }

        return new BackwardResult(plain._query, plain._key, plain._value, plain._bias, plain._keyFactors, plain._rowWeights, plain._columnWeights);
    }

    private void Head(BackwardCase c, int batch, int head)
    {
        int keyHead = head / _specification.HeadsPerKeyHead;
        ReferenceBinaryHead? binary = c.IsBinary ? new ReferenceBinaryHead(_inputs, batch, head) : null;
        for (int query = 0; query < c.Queries; query++)
        {
            Row(c, binary, batch, head, keyHead, query);
        }

        if (binary is null)
        {
            return;
        }

        Finish(_inputs.Query, _query, batch, head, _specification.QuerySide, binary.RowWeights, _specification.ValidQueries(batch), _rowWeights);
        if ((head + 1) % _specification.HeadsPerKeyHead == 0)
        {
            Finish(_inputs.Key, _key, batch, keyHead, _specification.KeySide, binary.ColumnWeights, _specification.ValidKeys(batch), _columnWeights);
            for (int i = _inputs.Value.Offset(batch, keyHead, 0); _specification.Quantization == ValueQuantization.TrainingParity && i < _inputs.Value.Offset(batch, keyHead, 0) + (c.Keys * c.ValueDimension); i++)
            {
                _value[i] = SymmetricQuantizer.Value.PassesGradient(_inputs.Value.All[i]) ? _value[i] : 0;
            }
        }
    }

    private void Row(BackwardCase c, ReferenceBinaryHead? binary, int batch, int head, int keyHead, int query)
    {
        var logits = new float[c.Keys];
        float maximum = float.NegativeInfinity;
        for (int key = 0; key < c.Keys; key++)
        {
            logits[key] = _inputs.Mask.Allows(batch, head, query, key) ? Logit(binary, batch, head, keyHead, query, key) : float.NegativeInfinity;
            maximum = MathF.Max(maximum, logits[key]);
        }

        if (float.IsNegativeInfinity(maximum))
        {
            return;
        }

        float sum = logits.Aggregate(0f, (total, logit) => total + MathF.Exp(logit - maximum));
        int[]? levels = _specification.Quantization == ValueQuantization.TrainingParity ? ReferenceBinaryAttention.Levels(binary!, query).Levels : null;
        ReadOnlySpan<float> upstream = _upstream.AsSpan(((((batch * c.Heads) + head) * c.Queries) + query) * c.ValueDimension, c.ValueDimension);
        var probabilities = new float[c.Keys];
        var gradients = new float[c.Keys];
        float mean = 0;
        for (int key = 0; key < c.Keys; key++)
        {
            if (!_inputs.Mask.Allows(batch, head, query, key))
            {
                continue;
            }

            probabilities[key] = MathF.Exp(logits[key] - maximum) / sum;
            float factor = levels is null ? probabilities[key] : levels[key] / 255f;
            int valueOffset = _inputs.Value.Offset(batch, keyHead, key);
            for (int channel = 0; channel < c.ValueDimension; channel++)
            {
                gradients[key] += upstream[channel] * (binary is null ? _inputs.Value.All[valueOffset + channel] : (float)binary.Values.ForGradient(key, channel));
                _value[valueOffset + channel] += factor * upstream[channel];
            }

            mean += probabilities[key] * gradients[key];
        }

        for (int key = 0; key < c.Keys; key++)
        {
            if (_inputs.Mask.Allows(batch, head, query, key))
            {
                Pair(c, binary, batch, head, keyHead, query, key, probabilities[key] * (gradients[key] - mean));
            }
        }
    }

    private float Logit(ReferenceBinaryHead? binary, int batch, int head, int keyHead, int query, int key)
    {
        float bias = (float)_inputs.BiasOf(batch, head, query, key);
        if (binary is not null)
        {
            return (binary.RowWeights[query] * binary.Scale * binary.ColumnWeights[key] * binary.SignDot(query, key)) + bias;
        }

        float dot = 0;
        for (int channel = 0; channel < _inputs.Query.Dimension; channel++)
        {
            dot += _inputs.Query.Token(batch, head, query)[channel] * _inputs.Key.Token(batch, keyHead, key)[channel];
        }

        return (dot * _specification.LogitScale) + bias;
    }

    private void Pair(BackwardCase c, ReferenceBinaryHead? binary, int batch, int head, int keyHead, int query, int key, float gradient)
    {
        int queryOffset = _inputs.Query.Offset(batch, head, query);
        int keyOffset = _inputs.Key.Offset(batch, keyHead, key);
        float scale = binary?.Scale ?? _specification.LogitScale;
        for (int channel = 0; channel < c.HeadDimension; channel++)
        {
            float left = binary is null ? _inputs.Query.All[queryOffset + channel] : binary.RowWeights[query] * binary.Queries.Signs(0, query)[channel];
            float right = binary is null ? _inputs.Key.All[keyOffset + channel] : binary.ColumnWeights[key] * binary.Keys.Signs(0, key)[channel];
            _query[queryOffset + channel] += gradient * scale * right;
            _key[keyOffset + channel] += gradient * scale * left;
        }

        if (_inputs.Bias is { Kind: AttentionBiasKind.LowRank } lowRank)
        {
            int queryFactor = lowRank.QueryFactor(batch, head, query);
            int keyFactor = lowRank.KeyFactor(batch, head, key);
            for (int r = 0; r < lowRank.Rank; r++)
            {
                _bias[queryFactor + r] += gradient * lowRank.KeyFactorAt(keyFactor + r);
                _keyFactors[keyFactor + r] += gradient * lowRank.QueryFactorAt(queryFactor + r);
            }
        }
        else if (_inputs.Bias is { } bias)
        {
            _bias[bias.Index(batch, head, query, key)] += gradient;
        }
    }

    private static void Finish(ReferenceOperand operand, float[] gradient, int batch, int head, in SignSide side, float[] weights, int tokens, float[] learned)
    {
        int dimension = operand.Dimension;
        var sums = new float[tokens];
        for (int token = 0; token < tokens; token++)
        {
            for (int channel = 0; channel < dimension; channel++)
            {
                sums[token] += gradient[operand.Offset(batch, head, token) + channel] * ReferenceSigns.Of(operand.Token(batch, head, token)[channel], side.SignOfZero);
            }
        }

        float headSum = sums.Aggregate(0f, static (total, sum) => total + sum);
        for (int token = 0; token < tokens; token++)
        {
            if (side.Mode == SignWeightingMode.Learned)
            {
                learned[(operand.Offset(batch, head, token) / dimension)] = sums[token];
            }

            float share = side.Mode switch
            {
                SignWeightingMode.MeanMagnitudePerHead => headSum / (tokens * dimension),
                SignWeightingMode.MeanMagnitudePerToken => sums[token] / dimension,
                _ => 0,
            };
            for (int channel = 0; channel < dimension; channel++)
            {
                float x = operand.Token(batch, head, token)[channel];
                ref float derivative = ref gradient[operand.Offset(batch, head, token) + channel];
                bool passes = side.Mode != SignWeightingMode.Learned && ReferenceSigns.PassesGradient(x);
                derivative = (passes ? derivative * weights[token] : 0) + (share * MathF.Sign(x));
            }
        }
    }
}
