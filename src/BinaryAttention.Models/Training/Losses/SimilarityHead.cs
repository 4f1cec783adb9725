// One head of one image in a comparison of attention maps: its logits tile by tile, and the gradients that flow back from them.
using System.Numerics.Tensors;
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Losses;

internal sealed class SimilarityHead
{
    private readonly SimilaritySide _query, _key;
    private readonly PackedMatrix _keys;
    private readonly AttentionBias? _bias;
    private readonly float[] _keyBias;
    private readonly float _scale;
    private readonly int _tokens, _dimension, _stride, _queryAt, _keyAt, _keyBiasAt, _head;

    public SimilarityHead(AttentionTap tap, int item)
    {
        var binary = tap.Options as BinaryAttentionOptions;
        if (binary is { Weighting.Rows: SignWeightingMode.Learned } or { Weighting.Columns: SignWeightingMode.Learned })
        {
            throw new NotSupportedException("Attention maps with learned weights cannot be compared. Use mean magnitudes.");
        }

        (_tokens, _stride, _dimension) = (tap.Source.Shape[1], tap.Source.Shape[2], tap.HeadDimension);
        int image = item / tap.HeadCount, first = image * _tokens * _stride, codes = tap.HeadCount * _dimension;
        _head = item % tap.HeadCount;
        _queryAt = first + (_head * _dimension);
        _keyAt = _queryAt + codes;
        ReadOnlySpan<float> values = tap.Source.Values;
        _query = new SimilaritySide(values[_queryAt..], _stride, _tokens, _dimension, binary?.Weighting.Rows);
        _key = new SimilaritySide(values[_keyAt..], _stride, _tokens, _dimension, binary?.Weighting.Columns);
        _scale = tap.Options.LogitScale ?? (float)(1 / Math.Sqrt(_dimension));
        if (binary?.Calibration is { Temperature.IsEmpty: false } calibration)
        {
            _scale *= calibration.Temperature.Span[_head];
        }

        _keys = new PackedMatrix(_key.Values, default, _tokens, _dimension, PackedMatrix.PreferredLanes);
        _bias = tap.Bias?.Create();
        if (_bias is { Kind: not AttentionBiasKind.RelativePosition })
        {
            throw new NotSupportedException($"Attention maps with a {_bias.Kind} bias cannot be compared. Use a relative-position table, or none.");
        }

        // Behind the codes of a calibrated projection stands one number per key and head.
        _keyBiasAt = tap.CarriesKeyBias ? first + (2 * codes) + _head : -1;
        if (tap.CarriesKeyBias && _stride != tap.HeadCount * ((2 * _dimension) + 1))
        {
            throw new NotSupportedException("Attention maps with float factors cannot be compared. Calibrate with rank 0.");
        }

        _keyBias = new float[_keyBiasAt >= 0 ? _tokens : 0];
        for (int token = 0; token < _keyBias.Length; token++)
        {
            _keyBias[token] = values[_keyBiasAt + (token * _stride)];
        }

        TableGradient = new float[_bias is null ? 0 : _bias.Values.Length / tap.HeadCount];
    }

    /// <summary>The gradient of this head's column of the relative-position table.</summary>
    public float[] TableGradient { get; }

    /// <summary>The sum over rows of the divergence of this head's map from a teacher's; adds its gradient times a factor, unless there is no room for one.</summary>
    public double Compare(SimilarityHead teacher, Span<float> gradient, int tileRows, float factor)
    {
        bool wanted = !gradient.IsEmpty;
        float[] logits = new float[tileRows * _tokens], wantedLogits = new float[logits.Length], queryGradient = new float[wanted ? _tokens * _dimension : 0], keyGradient = new float[queryGradient.Length], keyBiasGradient = new float[_keyBias.Length];
        var keysByChannel = new PackedMatrix(_dimension, _tokens, PackedMatrix.PreferredLanes);
        for (int panel = 0; panel < keysByChannel.PanelCount; panel++)
        {
            keysByChannel.FillPanelTransposed(panel, _key.Values);
        }

        double divergence = 0;
        for (int first = 0; first < _tokens; first += tileRows)
        {
            int rows = Math.Min(tileRows, _tokens - first);
            Logits(first, rows, logits);
            teacher.Logits(first, rows, wantedLogits);
            for (int row = 0; row < rows; row++)
            {
                Span<float> ours = logits.AsSpan(row * _tokens, _tokens), theirs = wantedLogits.AsSpan(row * _tokens, _tokens);
                divergence += Row(ours, theirs, factor);
                if (wanted)
                {
                    AddBiases(first + row, ours, keyBiasGradient);
                    TensorPrimitives.Multiply(ours, _scale, ours);
                }
            }

            if (wanted)
            {
                MatrixProduct.Multiply(logits, keysByChannel, queryGradient.AsSpan(first * _dimension), rows, MatrixEpilogue.None);
                AddKeys(logits, first, rows, keyGradient);
            }
        }

        if (wanted)
        {
            _query.Backward(queryGradient, gradient[_queryAt..], _stride);
            _key.Backward(keyGradient, gradient[_keyAt..], _stride);
            for (int token = 0; token < _keyBias.Length; token++)
            {
                gradient[_keyBiasAt + (token * _stride)] += keyBiasGradient[token];
            }
        }

        return divergence;
    }

    private void Logits(int first, int rows, float[] logits)
    {
        MatrixProduct.Multiply(_query.Values.AsSpan(first * _dimension), _keys, logits, rows, MatrixEpilogue.None);
        for (int row = 0; row < rows; row++)
        {
            Span<float> target = logits.AsSpan(row * _tokens, _tokens);
            TensorPrimitives.Multiply(target, _scale, target);
            if (_keyBias.Length > 0)
            {
                TensorPrimitives.Add(target, _keyBias, target);
            }

            for (int key = 0; _bias is not null && key < _tokens; key++)
            {
                target[key] += _bias.Values.Span[(TableRow(first + row, key) * _bias.HeadCount) + _head];
            }
        }
    }

    // The divergence of one row; what was logits becomes the gradient at the logits.
    private static double Row(Span<float> ours, Span<float> theirs, float factor)
    {
        double ourSum = LogSumExp(ours), theirSum = LogSumExp(theirs), divergence = 0;
        for (int key = 0; key < ours.Length; key++)
        {
            double ourLog = ours[key] - ourSum, theirLog = theirs[key] - theirSum, wanted = Math.Exp(theirLog);
            divergence += wanted > 0 ? wanted * (theirLog - ourLog) : 0;
            ours[key] = (float)((Math.Exp(ourLog) - wanted) * factor);
        }

        return divergence;
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double largest = TensorPrimitives.Max(logits), sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return largest + Math.Log(sum);
    }

    private void AddBiases(int query, ReadOnlySpan<float> logitGradient, Span<float> keyBiasGradient)
    {
        if (!keyBiasGradient.IsEmpty)
        {
            TensorPrimitives.Add(keyBiasGradient, logitGradient, keyBiasGradient);
        }

        for (int key = 0; _bias is not null && key < _tokens; key++)
        {
            TableGradient[TableRow(query, key)] += logitGradient[key];
        }
    }

    // dK += dS^T Q, the tile's rows being the depth.
    private void AddKeys(ReadOnlySpan<float> logitGradient, int first, int rows, float[] keyGradient)
    {
        var transposed = new float[_tokens * rows];
        for (int key = 0; key < _tokens; key++)
        {
            for (int row = 0; row < rows; row++)
            {
                transposed[(key * rows) + row] = logitGradient[(row * _tokens) + key];
            }
        }

        var queries = new PackedMatrix(_dimension, rows, PackedMatrix.PreferredLanes);
        for (int panel = 0; panel < queries.PanelCount; panel++)
        {
            queries.FillPanelTransposed(panel, _query.Values.AsSpan(first * _dimension, rows * _dimension));
        }

        MatrixProduct.Multiply(transposed, queries, keyGradient, _tokens, MatrixEpilogue.Add);
    }

    // The order of AttentionBias.RelativePosition.
    private int TableRow(int query, int key)
    {
        int spread = (2 * _bias!.GridWidth) - 1, special = _bias.HasClassToken ? 1 : 0, rows = TableGradient.Length;
        if (special == 1 && (query == 0 || key == 0))
        {
            return query == 0 ? (key == 0 ? rows - 1 : rows - 3) : rows - 2;
        }

        int i = query - special, j = key - special, width = _bias.GridWidth;
        return (((i / width) - (j / width) + _bias.GridHeight - 1) * spread) + (i % width) - (j % width) + width - 1;
    }
}
