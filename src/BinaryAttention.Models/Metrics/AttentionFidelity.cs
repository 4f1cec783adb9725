namespace BinaryAttention.Models.Metrics;

/// <summary>
/// Compares one-bit attention with exact attention on the same queries, keys and values. The attention maps are compared in float arithmetic (what the signs alone do),
/// the outputs with the caller's quantisation as well. docs/fidelity.md defines every figure.
/// Memory is O(tokens x 64) per (batch item, head), never tokens x tokens; time grows with the cube of the tokens: this is for measuring, not for running.
/// </summary>
public static class AttentionFidelity
{
    /// <summary>Figures of every (batch item, head).</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and the options' layout say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="shape">Sizes and token strides; the destination's stride is not used.</param>
    /// <param name="exact">Options of the exact side; defaults if null.</param>
    /// <param name="binary">Options of the one-bit side, in the same layout; defaults if null. A forced kernel computes the output as it runs; maps and float outputs come from the library's choice.</param>
    /// <param name="specialTokenCount">Leading query rows (class token, distillation token) whose figures are given apart; 0 for none.</param>
    /// <param name="cancellationToken">Checked between blocks and inside the attention.</param>
    /// <returns><c>[batch, heads]</c>, row-major. NaN or infinities in the operands give NaN figures. Rows whose keys are all masked count as equal.</returns>
    /// <exception cref="ArgumentException">Sizes or options do not fit, or the two layouts differ.</exception>
    /// <exception cref="NotSupportedException">An option is not built yet, or a forced kernel cannot run.</exception>
    public static HeadFidelity[] Measure(
        ReadOnlySpan<float> query,
        ReadOnlySpan<float> key,
        ReadOnlySpan<float> value,
        in AttentionShape shape,
        AttentionOptions? exact = null,
        BinaryAttentionOptions? binary = null,
        int specialTokenCount = 1,
        CancellationToken cancellationToken = default)
    {
        exact ??= new AttentionOptions { Layout = binary?.Layout ?? default };
        binary ??= new BinaryAttentionOptions { Layout = exact.Layout };
        if (exact.Layout != binary.Layout)
        {
            throw new ArgumentException($"exact has Layout {exact.Layout} and binary {binary.Layout}; both read the same operands. Give both the same.", nameof(binary));
        }

        if (specialTokenCount < 0 || specialTokenCount > shape.QueryLength)
        {
            throw new ArgumentOutOfRangeException(nameof(specialTokenCount), specialTokenCount, $"Expected 0 to {shape.QueryLength}, the query length.");
        }

        // The outputs come first: they check every operand before the long part begins.
        OutputComparison outputs = OutputComparison.Measure(query, key, value, shape, exact, binary, specialTokenCount, cancellationToken);
        RowComparison[] rows = CompareMaps(query, key, shape, exact, binary, cancellationToken);
        var result = new HeadFidelity[shape.BatchSize * shape.HeadCount];
        for (int head = 0; head < result.Length; head++)
        {
            ReadOnlySpan<RowComparison> ofHead = rows.AsSpan(head * shape.QueryLength, shape.QueryLength);
            (double divergence, double cosine) = Mean(ofHead);
            (double specialDivergence, double specialCosine) = Mean(ofHead[..specialTokenCount]);
            OutputErrors errors = outputs.Of(head);
            result[head] = new HeadFidelity(divergence, specialDivergence, cosine, specialCosine, errors.Total, errors.Special, errors.Signs, errors.Quantization);
        }

        return result;
    }

    private static RowComparison[] CompareMaps(ReadOnlySpan<float> query, ReadOnlySpan<float> key, in AttentionShape shape, AttentionOptions exact, BinaryAttentionOptions binary, CancellationToken cancellationToken)
    {
        var exactColumns = new MapColumns(shape, exact);
        var binaryColumns = new MapColumns(shape, binary);
        var rows = new RowComparison[checked(shape.BatchSize * shape.HeadCount * shape.QueryLength)];
        for (int firstKey = 0; firstKey < shape.KeyLength; firstKey += MapColumns.BlockColumns)
        {
            exactColumns.Compute(query, key, firstKey, cancellationToken);
            binaryColumns.Compute(query, key, firstKey, cancellationToken);
            for (int i = 0; i < rows.Length; i++)
            {
                int row = i % shape.QueryLength, head = i / shape.QueryLength;
                rows[i].Add(exactColumns.Row(head / shape.HeadCount, head % shape.HeadCount, row), binaryColumns.Row(head / shape.HeadCount, head % shape.HeadCount, row));
            }
        }

        return rows;
    }

    private static (double Divergence, double Cosine) Mean(ReadOnlySpan<RowComparison> rows)
    {
        double divergence = 0, cosine = 0;
        foreach (RowComparison row in rows)
        {
            divergence += row.Divergence;
            cosine += row.Cosine;
        }

        return (divergence / rows.Length, cosine / rows.Length);
    }
}
