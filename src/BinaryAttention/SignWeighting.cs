namespace BinaryAttention;

/// <summary>
/// The weights of the sign dot products: <c>logit[i,j] = rowWeight[i] * columnWeight[j] * logitScale * signDot[i,j] + bias[i,j]</c>.
/// One mode for the rows (queries), one for the columns (keys).
/// </summary>
public sealed record SignWeighting
{
    /// <summary>Weights by one mode on each side.</summary>
    /// <param name="rows">The mode of the queries.</param>
    /// <param name="columns">The mode of the keys.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is not one of the enumeration.</exception>
    /// <exception cref="ArgumentException">A side is <see cref="SignWeightingMode.Learned"/>: give its weights through <see cref="Learned"/>, <see cref="LearnedRows"/> or <see cref="LearnedColumns"/>.</exception>
    public SignWeighting(SignWeightingMode rows, SignWeightingMode columns)
        : this(rows, columns, default, default)
    {
        NotLearned(rows, nameof(rows));
        NotLearned(columns, nameof(columns));
    }

    private SignWeighting(SignWeightingMode rows, SignWeightingMode columns, ReadOnlyMemory<float> rowWeights, ReadOnlyMemory<float> columnWeights)
    {
        Rows = Defined(rows, nameof(rows));
        Columns = Defined(columns, nameof(columns));
        RowWeights = rowWeights;
        ColumnWeights = columnWeights;
    }

    /// <summary>Per-head mean magnitudes on both sides: BinaryAttention's own, the default.</summary>
    public static SignWeighting MeanMagnitudePerHead { get; } = new(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerHead);

    /// <summary>Per-token mean magnitudes on both sides.</summary>
    public static SignWeighting MeanMagnitudePerToken { get; } = new(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerToken);

    /// <summary>Per-token mean magnitudes for the queries, one per head for the keys: the finer rows at no cost per pair.</summary>
    public static SignWeighting PerTokenQuery { get; } = new(SignWeightingMode.MeanMagnitudePerToken, SignWeightingMode.MeanMagnitudePerHead);

    /// <summary>No weights: <c>logit = logitScale * signDot + bias</c>.</summary>
    public static SignWeighting None { get; } = new(SignWeightingMode.None, SignWeightingMode.None);

    /// <summary>The mode of the rows (queries).</summary>
    public SignWeightingMode Rows { get; }

    /// <summary>The mode of the columns (keys).</summary>
    public SignWeightingMode Columns { get; }

    /// <summary>Learned row weights <c>[batch, heads, queryLength]</c>; empty unless <see cref="Rows"/> is Learned.</summary>
    public ReadOnlyMemory<float> RowWeights { get; }

    /// <summary>Learned column weights <c>[batch, keyHeads, keyLength]</c>; empty unless <see cref="Columns"/> is Learned.</summary>
    public ReadOnlyMemory<float> ColumnWeights { get; }

    /// <summary>
    /// Learned, signed weights per token and head on both sides (BinaryFormer). The values are checked once, here, and must not change while they are in use; a negative weight reverses the
    /// order of its row or column.
    /// </summary>
    /// <param name="rowWeights"><c>[batch, heads, queryLength]</c>, row-major, not copied.</param>
    /// <param name="columnWeights"><c>[batch, keyHeads, keyLength]</c>, row-major, not copied.</param>
    /// <exception cref="ArgumentException">A weight is not finite.</exception>
    public static SignWeighting Learned(ReadOnlyMemory<float> rowWeights, ReadOnlyMemory<float> columnWeights) =>
        new(SignWeightingMode.Learned, SignWeightingMode.Learned, Finite(rowWeights, nameof(rowWeights)), Finite(columnWeights, nameof(columnWeights)));

    /// <summary>Learned weights of the rows, another mode for the columns.</summary>
    /// <param name="rowWeights"><c>[batch, heads, queryLength]</c>, row-major, not copied.</param>
    /// <param name="columns">The mode of the keys, not Learned.</param>
    /// <exception cref="ArgumentException">A weight is not finite, or the mode is Learned.</exception>
    public static SignWeighting LearnedRows(ReadOnlyMemory<float> rowWeights, SignWeightingMode columns) =>
        new(SignWeightingMode.Learned, NotLearned(columns, nameof(columns)), Finite(rowWeights, nameof(rowWeights)), default);

    /// <summary>Learned weights of the columns, another mode for the rows.</summary>
    /// <param name="rows">The mode of the queries, not Learned.</param>
    /// <param name="columnWeights"><c>[batch, keyHeads, keyLength]</c>, row-major, not copied.</param>
    /// <exception cref="ArgumentException">A weight is not finite, or the mode is Learned.</exception>
    public static SignWeighting LearnedColumns(SignWeightingMode rows, ReadOnlyMemory<float> columnWeights) =>
        new(NotLearned(rows, nameof(rows)), SignWeightingMode.Learned, default, Finite(columnWeights, nameof(columnWeights)));

    private static SignWeightingMode NotLearned(SignWeightingMode mode, string parameter) => mode == SignWeightingMode.Learned
        ? throw new ArgumentException("Learned weights need their values. Use SignWeighting.Learned(rowWeights, columnWeights).", parameter)
        : mode;

    private static ReadOnlyMemory<float> Finite(ReadOnlyMemory<float> weights, string parameter)
    {
        int index = weights.Span.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        return index < 0
            ? weights
            : throw new ArgumentException($"{parameter} holds {weights.Span[index]} at index {index}; every weight must be finite.", parameter);
    }

    private static SignWeightingMode Defined(SignWeightingMode mode, string parameter) => mode is >= SignWeightingMode.MeanMagnitudePerHead and <= SignWeightingMode.None
        ? mode
        : throw new ArgumentOutOfRangeException(parameter, mode, "Expected one of MeanMagnitudePerHead, MeanMagnitudePerToken, Learned, None.");
}
