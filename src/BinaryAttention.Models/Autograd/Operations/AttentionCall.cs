// One attention, forward by the library's kernels and backward by its gradient call, over operands that lie in the columns of wider rows (a fused projection) and whose gradients go back there.
// Logits are computed again in the backward pass: what is kept of the forward pass is one log-sum-exp per row.
namespace BinaryAttention.Models.Autograd.Operations;

internal sealed class AttentionCall
{
    private readonly AttentionOperand _query, _key, _value;
    private readonly AttentionShape _shape;
    private readonly AttentionOptions _options;
    private readonly IBiasSource? _bias;
    private readonly Variable? _rowWeights, _columnWeights;
    private readonly Tape _tape;

    /// <summary>Prepares a call.</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="sizes">Heads, channels of a query, channels of a value.</param>
    /// <param name="options">Exact or one-bit options; layout, bias, learned weights and threads are filled in here.</param>
    /// <param name="bias">The bias, or null.</param>
    /// <param name="rowWeights">Learned row weights <c>[batch, heads, tokens]</c>, or null.</param>
    /// <param name="columnWeights">Learned column weights, or null.</param>
    public AttentionCall(AttentionOperand query, AttentionOperand key, AttentionOperand value, (int Heads, int Query, int Value) sizes, AttentionOptions options, IBiasSource? bias, Variable? rowWeights = null, Variable? columnWeights = null)
    {
        (_query, _key, _value, _bias, _rowWeights, _columnWeights) = (query, key, value, bias, rowWeights, columnWeights);
        _tape = query.Source.Tape;
        int batch = query.Source.Shape[0], tokens = query.Source.Shape[1];
        _shape = new AttentionShape(batch, sizes.Heads, tokens, key.Source.Shape[1], sizes.Query, sizes.Value) { QueryTokenStride = query.Stride, KeyTokenStride = key.Stride, ValueTokenStride = value.Stride };
        _options = options with { Layout = TensorLayout.TokenHeadDimension, MaxDegreeOfParallelism = _tape.Workspace.ThreadCount, Bias = bias?.Create() };
        if (_options is BinaryAttentionOptions binary && (rowWeights is not null || columnWeights is not null))
        {
            _options = binary with { Weighting = Weighting(binary.Weighting) };
        }
    }

    /// <summary>Computes the output <c>[batch, tokens, heads * valueDimension]</c> and records the call.</summary>
    public Variable Run(string name)
    {
        Variable output = _tape.Create(name, _shape.BatchSize, _shape.QueryLength, _shape.HeadCount * _shape.ValueDimension);
        bool needed = NeedsGradient;
        Variable? logSumExp = needed && _tape.IsRecording ? _tape.Create(name + ".log_sum_exp", _shape.BatchSize, _shape.HeadCount, _shape.QueryLength) : null;
        Span<float> rows = logSumExp is null ? default : logSumExp.Buffer.Span;
        if (_options is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProduct(_query.Values, _key.Values, _value.Values, output.Buffer.Span, _shape, binary, rows);
        }
        else
        {
            Attention.ScaledDotProduct(_query.Values, _key.Values, _value.Values, output.Buffer.Span, _shape, _options, rows);
        }

        return _tape.Record(output, needed, () =>
        {
            Backward(logSumExp!, output.GradientBuffer);
            logSumExp!.Release(alsoRetained: true);
        });
    }

    private bool NeedsGradient => _query.Source.RequiresGradient || _key.Source.RequiresGradient || _value.Source.RequiresGradient
        || _bias is { NeedsGradient: true } || _rowWeights is { RequiresGradient: true } || _columnWeights is { RequiresGradient: true };

    private SignWeighting Weighting(SignWeighting given) => (_rowWeights, _columnWeights) switch
    {
        ({ } rows, { } columns) => SignWeighting.Learned(rows.Buffer.Memory, columns.Buffer.Memory),
        ({ } rows, null) => SignWeighting.LearnedRows(rows.Buffer.Memory, given.Columns),
        (null, { } columns) => SignWeighting.LearnedColumns(given.Rows, columns.Buffer.Memory),
        _ => given,
    };

    private void Backward(Variable logSumExp, PooledBuffer upstream)
    {
        // Operands may be columns of one variable; columns that none of them covers get zeros.
        var gradients = new Dictionary<Variable, PooledBuffer>();
        foreach (Variable source in new[] { _query.Source, _key.Source, _value.Source })
        {
            if (!gradients.ContainsKey(source))
            {
                PooledBuffer gradient = _tape.Rent(source.Length);
                gradients.Add(source, gradient);
                int covered = Covered(source);
                if (covered < source.Shape[^1])
                {
                    gradient.Span.Clear();
                }
            }
        }

        PooledBuffer? bias = _bias is { NeedsGradient: true } ? _tape.Rent(_options.Bias!.Values.Length) : null;
        PooledBuffer? factors = bias is not null && _options.Bias!.KeyFactors.Length > 0 ? _tape.Rent(_options.Bias.KeyFactors.Length) : null;
        PooledBuffer? rowWeights = _rowWeights is { RequiresGradient: true } ? _tape.Rent(_rowWeights.Length) : null;
        PooledBuffer? columnWeights = _columnWeights is { RequiresGradient: true } ? _tape.Rent(_columnWeights.Length) : null;
        var wanted = new AttentionOptionGradients
        {
            Bias = bias is null ? default : bias.Span, BiasKeyFactors = factors is null ? default : factors.Span, RowWeights = rowWeights is null ? default : rowWeights.Span, ColumnWeights = columnWeights is null ? default : columnWeights.Span,
        };
        Span<float> query = gradients[_query.Source].Span[_query.Offset..], key = gradients[_key.Source].Span[_key.Offset..], value = gradients[_value.Source].Span[_value.Offset..];
        if (_options is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProductBackward(_query.Values, _key.Values, _value.Values, logSumExp.Values, upstream.Span, query, key, value, _shape, binary, wanted);
        }
        else
        {
            Attention.ScaledDotProductBackward(_query.Values, _key.Values, _value.Values, logSumExp.Values, upstream.Span, query, key, value, _shape, _options, wanted);
        }

        foreach ((Variable source, PooledBuffer gradient) in gradients)
        {
            Give(source, gradient);
        }

        if (bias is not null)
        {
            _bias!.Add(bias.Span, factors is null ? default : factors.Span);
            _tape.Return(bias);
        }

        if (factors is not null)
        {
            _tape.Return(factors);
        }

        Give(_rowWeights, rowWeights);
        Give(_columnWeights, columnWeights);
    }

    private void Give(Variable? variable, PooledBuffer? gradient)
    {
        if (gradient is null)
        {
            return;
        }

        if (variable!.RequiresGradient)
        {
            variable.Adopt(gradient);
        }
        else
        {
            _tape.Return(gradient);
        }
    }

    private int Covered(Variable source)
    {
        int queries = _shape.HeadCount * _shape.HeadDimension, values = _shape.HeadCount * _shape.ValueDimension;
        return (_query.Source == source ? queries : 0) + (_key.Source == source ? queries : 0) + (_value.Source == source ? values : 0);
    }
}
