using System.Numerics.Tensors;

namespace BinaryAttention;

/// <summary>
/// A bias added to the logits. The values are checked once, when the bias is made, and must not change while it is in use: NaN and +infinity are refused,
/// -infinity means that the pair is masked. A batch size or head count of 1 is shared by all.
/// </summary>
public sealed class AttentionBias
{
    private AttentionBias(AttentionBiasKind kind, ReadOnlyMemory<float> values, string parameter)
    {
        Kind = kind;
        Values = values;
        CheckValues(values.Span, parameter);
    }

    /// <summary>The form of the bias.</summary>
    public AttentionBiasKind Kind { get; }

    /// <summary>The values, row-major in the shape that <see cref="Kind"/> describes.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Key factors of a low-rank bias; empty for the other kinds.</summary>
    public ReadOnlyMemory<float> KeyFactors { get; private init; }

    /// <summary>1 (shared) or the batch size.</summary>
    public int BatchSize { get; private init; } = 1;

    /// <summary>1 (shared) or the number of query heads.</summary>
    public int HeadCount { get; private init; } = 1;

    /// <summary>Query tokens; 0 for a per-key bias, which fits any number.</summary>
    public int QueryLength { get; private init; }

    /// <summary>Key tokens.</summary>
    public int KeyLength { get; private init; }

    /// <summary>Rows of the token grid of a relative-position table, else 0.</summary>
    public int GridHeight { get; private init; }

    /// <summary>Columns of the token grid of a relative-position table, else 0.</summary>
    public int GridWidth { get; private init; }

    /// <summary>Whether token 0 of a relative-position table is a class token.</summary>
    public bool HasClassToken { get; private init; }

    /// <summary>Rank of a low-rank bias, else 0.</summary>
    public int Rank { get; private init; }

    /// <summary>One number per key, <c>[batchSize, headCount, keyLength]</c>.</summary>
    /// <param name="values">Row-major, not copied.</param>
    /// <param name="batchSize">1 or the batch size.</param>
    /// <param name="headCount">1 or the number of query heads.</param>
    /// <param name="keyLength">Key tokens.</param>
    /// <exception cref="ArgumentException">The length does not fit, or a value is NaN or +infinity.</exception>
    public static AttentionBias PerKey(ReadOnlyMemory<float> values, int batchSize, int headCount, int keyLength)
    {
        CheckSizes(values.Length, nameof(values), (batchSize, nameof(batchSize)), (headCount, nameof(headCount)), (keyLength, nameof(keyLength)));
        return new AttentionBias(AttentionBiasKind.PerKey, values, nameof(values)) { BatchSize = batchSize, HeadCount = headCount, KeyLength = keyLength };
    }

    /// <summary>One number per key from a tensor <c>[batch|1, heads|1, keyLength]</c>, which is copied.</summary>
    /// <param name="values">The bias.</param>
    /// <exception cref="ArgumentException">The rank is not 3, or a value is NaN or +infinity.</exception>
    public static AttentionBias PerKey(Tensor<float> values)
    {
        float[] copy = Copy(values, 3, "[batch|1, heads|1, keyLength]");
        return PerKey(copy, (int)values.Lengths[0], (int)values.Lengths[1], (int)values.Lengths[2]);
    }

    /// <summary>One number per pair, <c>[batchSize, headCount, queryLength, keyLength]</c>.</summary>
    /// <param name="values">Row-major, not copied.</param>
    /// <param name="batchSize">1 or the batch size.</param>
    /// <param name="headCount">1 or the number of query heads.</param>
    /// <param name="queryLength">Query tokens.</param>
    /// <param name="keyLength">Key tokens.</param>
    /// <exception cref="ArgumentException">The length does not fit, or a value is NaN or +infinity.</exception>
    public static AttentionBias Dense(ReadOnlyMemory<float> values, int batchSize, int headCount, int queryLength, int keyLength)
    {
        CheckSizes(values.Length, nameof(values), (batchSize, nameof(batchSize)), (headCount, nameof(headCount)), (queryLength, nameof(queryLength)), (keyLength, nameof(keyLength)));
        return new AttentionBias(AttentionBiasKind.Dense, values, nameof(values)) { BatchSize = batchSize, HeadCount = headCount, QueryLength = queryLength, KeyLength = keyLength };
    }

    /// <summary>One number per pair from a tensor <c>[batch|1, heads|1, queryLength, keyLength]</c>, which is copied.</summary>
    /// <param name="values">The bias.</param>
    /// <exception cref="ArgumentException">The rank is not 4, or a value is NaN or +infinity.</exception>
    public static AttentionBias Dense(Tensor<float> values)
    {
        float[] copy = Copy(values, 4, "[batch|1, heads|1, queryLength, keyLength]");
        return Dense(copy, (int)values.Lengths[0], (int)values.Lengths[1], (int)values.Lengths[2], (int)values.Lengths[3]);
    }

    /// <summary>
    /// A relative-position table as the published checkpoints hold it: <c>[rows, headCount]</c> with <c>rows = (2 gridHeight - 1)(2 gridWidth - 1)</c>, and three more
    /// rows at the end (class to token, token to class, class to class) when token 0 is a class token. The pair of grid tokens i, j reads row
    /// <c>(y_i - y_j + gridHeight - 1)(2 gridWidth - 1) + (x_i - x_j + gridWidth - 1)</c>. The N x N matrix is never formed.
    /// </summary>
    /// <param name="table">Row-major, not copied.</param>
    /// <param name="headCount">1 or the number of query heads.</param>
    /// <param name="gridHeight">Rows of the token grid.</param>
    /// <param name="gridWidth">Columns of the token grid.</param>
    /// <param name="hasClassToken">Whether token 0 is a class token.</param>
    /// <exception cref="ArgumentException">The length does not fit, or a value is NaN or +infinity.</exception>
    public static AttentionBias RelativePosition(ReadOnlyMemory<float> table, int headCount, int gridHeight, int gridWidth, bool hasClassToken = true)
    {
        CheckPositive((headCount, nameof(headCount)), (gridHeight, nameof(gridHeight)), (gridWidth, nameof(gridWidth)));
        long rows = ((2L * gridHeight) - 1) * ((2L * gridWidth) - 1) + (hasClassToken ? 3 : 0);
        if (table.Length != rows * headCount)
        {
            throw new ArgumentException($"table has {table.Length} values; a {gridHeight} x {gridWidth} grid {(hasClassToken ? "with" : "without")} a class token and {headCount} heads needs {rows} x {headCount} = {rows * headCount}.", nameof(table));
        }

        int tokens = checked((gridHeight * gridWidth) + (hasClassToken ? 1 : 0));
        return new AttentionBias(AttentionBiasKind.RelativePosition, table, nameof(table))
        {
            HeadCount = headCount, QueryLength = tokens, KeyLength = tokens, GridHeight = gridHeight, GridWidth = gridWidth, HasClassToken = hasClassToken,
        };
    }

    /// <summary>The product <c>queryFactors keyFactors^T</c> of two thin factors (FlashBias), <c>[batchSize, headCount, tokens, rank]</c> each.</summary>
    /// <param name="queryFactors">Row-major, not copied.</param>
    /// <param name="keyFactors">Row-major, not copied.</param>
    /// <param name="batchSize">1 or the batch size.</param>
    /// <param name="headCount">1 or the number of query heads.</param>
    /// <param name="queryLength">Query tokens.</param>
    /// <param name="keyLength">Key tokens.</param>
    /// <param name="rank">Columns of each factor.</param>
    /// <exception cref="ArgumentException">A length does not fit, a value is not finite, or the product could leave the range of float32.</exception>
    public static AttentionBias LowRank(ReadOnlyMemory<float> queryFactors, ReadOnlyMemory<float> keyFactors, int batchSize, int headCount, int queryLength, int keyLength, int rank)
    {
        CheckSizes(queryFactors.Length, nameof(queryFactors), (batchSize, nameof(batchSize)), (headCount, nameof(headCount)), (queryLength, nameof(queryLength)), (rank, nameof(rank)));
        CheckSizes(keyFactors.Length, nameof(keyFactors), (batchSize, nameof(batchSize)), (headCount, nameof(headCount)), (keyLength, nameof(keyLength)), (rank, nameof(rank)));
        double largest = (double)LargestMagnitude(queryFactors.Span, nameof(queryFactors)) * LargestMagnitude(keyFactors.Span, nameof(keyFactors)) * rank;
        if (largest > float.MaxValue)
        {
            throw new ArgumentException($"queryFactors and keyFactors could give a bias of {largest:E1}, beyond float32. Scale the factors down.", nameof(queryFactors));
        }

        return new AttentionBias(AttentionBiasKind.LowRank, queryFactors, nameof(queryFactors))
        {
            KeyFactors = keyFactors, BatchSize = batchSize, HeadCount = headCount, QueryLength = queryLength, KeyLength = keyLength, Rank = rank,
        };
    }

    private static void CheckValues(ReadOnlySpan<float> values, string parameter)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i]) || float.IsPositiveInfinity(values[i]))
            {
                throw new ArgumentException($"{parameter} holds {values[i]} at index {i}. A bias must be finite, or -infinity for a masked pair.", parameter);
            }
        }
    }

    // A product of factors cannot mask: -infinity times 0 or a negative number is no mask.
    private static float LargestMagnitude(ReadOnlySpan<float> factors, string parameter)
    {
        int index = factors.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        return index < 0
            ? Math.Abs(TensorPrimitives.MaxMagnitude(factors))
            : throw new ArgumentException($"{parameter} holds {factors[index]} at index {index}; factors of a low-rank bias must be finite. Mask pairs by AttentionOptions.Mask.", parameter);
    }

    private static void CheckPositive(params ReadOnlySpan<(int Value, string Name)> sizes)
    {
        foreach ((int value, string name) in sizes)
        {
            if (value < 1)
            {
                throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; it must be at least 1.");
            }
        }
    }

    private static void CheckSizes(int length, string parameter, params ReadOnlySpan<(int Value, string Name)> sizes)
    {
        CheckPositive(sizes);
        long expected = 1;
        foreach ((int value, _) in sizes)
        {
            expected = Math.Min(expected * value, 1L << 32); // saturates above any array length; 2^32 times an int cannot wrap
        }

        if (length != expected)
        {
            var names = new string[sizes.Length];
            var values = new string[sizes.Length];
            for (int i = 0; i < sizes.Length; i++)
            {
                names[i] = sizes[i].Name;
                values[i] = sizes[i].Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }

            throw new ArgumentException($"{parameter} has {length} values; {string.Join(" x ", names)} = {string.Join(" x ", values)} needs {expected}.", parameter);
        }
    }

    private static float[] Copy(Tensor<float> values, int rank, string shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Rank != rank)
        {
            throw new ArgumentException($"values has rank {values.Rank}; a tensor of shape {shape} is expected.", nameof(values));
        }

        var copy = new float[checked((int)values.FlattenedLength)];
        values.FlattenTo(copy);
        return copy;
    }
}
