namespace BinaryAttention.Models.Metrics;

/// <summary>
/// Attention probabilities for pictures of them: the map of one head, averaged over square cells where it is large, or the rows of the first queries in full.
/// Computed in blocks of keys; only what is returned is ever held.
/// </summary>
public sealed class AttentionMap
{
    private AttentionMap(int rows, int columns, int cellSide, float[] values) => (Rows, Columns, CellSide, Values) = (rows, columns, cellSide, values);

    /// <summary>Rows of cells, one row of cells for <see cref="CellSide"/> queries.</summary>
    public int Rows { get; }

    /// <summary>Columns of cells, one for <see cref="CellSide"/> keys.</summary>
    public int Columns { get; }

    /// <summary>Queries and keys along the side of one cell; 1 if nothing was averaged. Cells at the lower and right edge may hold fewer.</summary>
    public int CellSide { get; }

    /// <summary>The mean probability of each cell's pairs, <c>[Rows, Columns]</c>.</summary>
    public float[] Values { get; }

    /// <summary>The map of one (batch item, head), with at most <paramref name="maxSide"/> cells along the longer side.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and the options' layout say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="shape">Sizes and token strides; the value's and the destination's are not used.</param>
    /// <param name="options">Exact options or one-bit options; one-bit maps are those of float probabilities.</param>
    /// <param name="batch">The batch item, from 0.</param>
    /// <param name="head">The head, from 0.</param>
    /// <param name="maxSide">Most cells along a side, at least 1.</param>
    /// <param name="cancellationToken">Checked between blocks and inside the attention.</param>
    /// <exception cref="ArgumentException">Sizes or options do not fit, or there is no such head.</exception>
    public static AttentionMap Compute(ReadOnlySpan<float> query, ReadOnlySpan<float> key, in AttentionShape shape, AttentionOptions options, int batch, int head, int maxSide = 256, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSide, 1);
        ThrowIfOutside(batch, shape.BatchSize, nameof(batch));
        ThrowIfOutside(head, shape.HeadCount, nameof(head));
        int longer = Math.Max(shape.QueryLength, shape.KeyLength);
        int side = Cells(longer, maxSide);
        int rows = Cells(shape.QueryLength, side), columns = Cells(shape.KeyLength, side);
        var sums = new double[checked(rows * columns)];
        var blocks = new MapColumns(shape, options);
        for (int firstKey = 0; firstKey < shape.KeyLength; firstKey += MapColumns.BlockColumns)
        {
            blocks.Compute(query, key, firstKey, cancellationToken);
            for (int row = 0; row < shape.QueryLength; row++)
            {
                ReadOnlySpan<float> probabilities = blocks.Row(batch, head, row);
                for (int i = 0; i < probabilities.Length; i++)
                {
                    sums[(row / side * columns) + ((firstKey + i) / side)] += probabilities[i];
                }
            }
        }

        var values = new float[sums.Length];
        for (int i = 0; i < sums.Length; i++)
        {
            int height = Math.Min(side, shape.QueryLength - (i / columns * side)), width = Math.Min(side, shape.KeyLength - (i % columns * side));
            values[i] = (float)(sums[i] / ((double)height * width));
        }

        return new AttentionMap(rows, columns, side, values);
    }

    /// <summary>The rows of the first queries of every (batch item, head), such as that of the class token.</summary>
    /// <param name="query">Queries, laid out as <paramref name="shape"/> and the options' layout say.</param>
    /// <param name="key">Keys.</param>
    /// <param name="shape">Sizes and token strides; the value's and the destination's are not used.</param>
    /// <param name="options">Exact options or one-bit options; one-bit maps are those of float probabilities.</param>
    /// <param name="rowCount">Queries, at least 1.</param>
    /// <param name="cancellationToken">Checked between blocks and inside the attention.</param>
    /// <returns><c>[batch, heads, rowCount, keyLength]</c>.</returns>
    /// <exception cref="ArgumentException">Sizes or options do not fit, or there are fewer queries.</exception>
    public static float[] FirstRows(ReadOnlySpan<float> query, ReadOnlySpan<float> key, in AttentionShape shape, AttentionOptions options, int rowCount = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, shape.QueryLength);
        int heads = shape.BatchSize * shape.HeadCount;
        var rows = new float[checked(heads * rowCount * shape.KeyLength)];
        var blocks = new MapColumns(shape, options);
        for (int firstKey = 0; firstKey < shape.KeyLength; firstKey += MapColumns.BlockColumns)
        {
            blocks.Compute(query, key, firstKey, cancellationToken);
            for (int i = 0; i < heads * rowCount; i++)
            {
                int head = i / rowCount;
                blocks.Row(head / shape.HeadCount, head % shape.HeadCount, i % rowCount).CopyTo(rows.AsSpan((i * shape.KeyLength) + firstKey));
            }
        }

        return rows;
    }

    private static int Cells(int length, int side) => (int)(((long)length + side - 1) / side);

    private static void ThrowIfOutside(int index, int count, string name)
    {
        if (index < 0 || index >= count)
        {
            throw new ArgumentOutOfRangeException(name, index, $"Expected 0 to {count - 1}.");
        }
    }
}
