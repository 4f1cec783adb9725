// Attention written once more from the formulas, independent of the library: everything double, whole matrices, one function from operands to output.
//   q' = R (q - queryCentre), k' = R (k - keyCentre)
//   logit_ij = temperature * logitScale * (weights and signs of q'_i and k'_j, NaiveSide) + logitScale * queryCentre . k_j + bias_ij
// For gradients it can hold the straight-through surrogate: with Anchor set, sign(x) is replaced by sign(anchor) + [|anchor| <= 1] (x - anchor), whose derivative is the
// straight-through estimator's. Finite differences of this function are then the gradient that the operator page states.
namespace BinaryAttention.Tests.Reference;

internal sealed record NaiveProblem
{
    public required AttentionShape Shape { get; init; }

    public required double[] Query { get; init; }

    public required double[] Key { get; init; }

    public required double[] Value { get; init; }

    public bool IsBinary { get; init; } = true;

    public SignWeightingMode Rows { get; init; }

    public SignWeightingMode Columns { get; init; }

    public double[] RowWeights { get; init; } = [];

    public double[] ColumnWeights { get; init; } = [];

    public int QueryPlanes { get; init; } = 1;

    public int KeyPlanes { get; init; } = 1;

    public bool ZeroIsNegative { get; init; }

    public double[] Bias { get; init; } = [];

    /// <summary>Where the pair (batch, head, query, key) reads <see cref="Bias"/>.</summary>
    public Func<int, int, int, int, int>? BiasIndex { get; init; }

    /// <summary>The bias of the pair (batch, head, query, key), for biases that are no table.</summary>
    public Func<int, int, int, int, double>? BiasAt { get; init; }

    /// <summary>Whether the pair (head, query, key) is allowed, padding aside.</summary>
    public Func<int, int, int, bool>? Allows { get; init; }

    /// <summary>Valid queries per batch item.</summary>
    public int[]? QueryLengths { get; init; }

    /// <summary>Valid keys per batch item.</summary>
    public int[]? KeyLengths { get; init; }

    /// <summary><c>[heads, headDimension]</c>, or empty.</summary>
    public double[] QueryCentre { get; init; } = [];

    /// <summary><c>[keyHeads, headDimension]</c>, or empty.</summary>
    public double[] KeyCentre { get; init; } = [];

    /// <summary><c>[keyHeads, headDimension, headDimension]</c>, or empty.</summary>
    public double[] Rotation { get; init; } = [];

    /// <summary><c>[heads]</c>, or empty.</summary>
    public double[] Temperature { get; init; } = [];

    public double? LogitScale { get; init; }

    /// <summary>The point at which the surrogate is expanded, or null for the true signs.</summary>
    public NaiveProblem? Anchor { get; init; }

    private int KeyHeads => Shape.KeyHeadCount == 0 ? Shape.HeadCount : Shape.KeyHeadCount;

    private double Scale => LogitScale ?? 1 / Math.Sqrt(Shape.HeadDimension);

    /// <summary>Row of logits, then output row and log-sum-exp; -infinity in the bias masks, and so does what is not allowed.</summary>
    public (double[] Output, double[] LogSumExp) Attend()
    {
        var output = new double[Shape.BatchSize * Shape.HeadCount * Shape.QueryLength * Shape.ValueDimension];
        var logSumExp = new double[Shape.BatchSize * Shape.HeadCount * Shape.QueryLength];
        (NaiveSide Query, NaiveSide Key)? sides = IsBinary ? Sides() : null;
        for (int row = 0; row < logSumExp.Length; row++)
        {
            int query = row % Shape.QueryLength;
            int head = row / Shape.QueryLength % Shape.HeadCount;
            int batch = row / Shape.QueryLength / Shape.HeadCount;
            int keyHead = head / (Shape.HeadCount / KeyHeads);
            double[] logits = [.. Enumerable.Range(0, Shape.KeyLength).Select(key => IsAllowed(batch, head, query, key) ? Logit(sides, batch, head, keyHead, query, key) : double.NegativeInfinity)];
            double maximum = logits.Max();
            if (double.IsNegativeInfinity(maximum))
            {
                logSumExp[row] = maximum;
                continue;
            }

            double sum = logits.Sum(logit => Math.Exp(logit - maximum));
            logSumExp[row] = maximum + Math.Log(sum);
            for (int key = 0; key < Shape.KeyLength; key++)
            {
                for (int channel = 0; channel < Shape.ValueDimension && !double.IsNegativeInfinity(logits[key]); channel++)
                {
                    double value = Value[(((((batch * KeyHeads) + keyHead) * Shape.KeyLength) + key) * Shape.ValueDimension) + channel];
                    output[(row * Shape.ValueDimension) + channel] += Math.Exp(logits[key] - maximum) / sum * value;
                }
            }
        }

        return (output, logSumExp);
    }

    private (NaiveSide Query, NaiveSide Key) Sides()
    {
        AttentionShape shape = Shape;
        double[] query = Moved(Query, shape.HeadCount, shape.QueryLength, QueryCentre);
        double[] key = Moved(Key, KeyHeads, shape.KeyLength, KeyCentre);
        return (
            new NaiveSide(query, Anchor?.Query, RowWeights, Rows, QueryPlanes, shape.QueryLength, shape.HeadDimension, head => QueryLengths?[head / shape.HeadCount] ?? shape.QueryLength, ZeroIsNegative),
            new NaiveSide(key, Anchor?.Key, ColumnWeights, Columns, KeyPlanes, shape.KeyLength, shape.HeadDimension, head => KeyLengths?[head / KeyHeads] ?? shape.KeyLength, ZeroIsNegative));
    }

    private double[] Moved(double[] values, int heads, int tokens, double[] centres)
    {
        int dimension = Shape.HeadDimension;
        double[] centred = centres.Length == 0 ? values : [.. values.Select((x, i) => x - centres[(i / dimension / tokens % heads * dimension) + (i % dimension)])];
        return Rotation.Length == 0 ? centred : [.. centred.Select((_, i) =>
        {
            int keyHead = i / dimension / tokens % heads / (heads / KeyHeads);
            int token = i / dimension * dimension;
            return Enumerable.Range(0, dimension).Sum(channel => Rotation[(((keyHead * dimension) + (i % dimension)) * dimension) + channel] * centred[token + channel]);
        })];
    }

    private bool IsAllowed(int batch, int head, int query, int key) =>
        query < (QueryLengths?[batch] ?? Shape.QueryLength) && key < (KeyLengths?[batch] ?? Shape.KeyLength) && (Allows?.Invoke(head, query, key) ?? true);

    private double Logit((NaiveSide Query, NaiveSide Key)? sides, int batch, int head, int keyHead, int query, int key)
    {
        int dimension = Shape.HeadDimension;
        int queryRow = (((batch * Shape.HeadCount) + head) * Shape.QueryLength) + query;
        int keyRow = (((batch * KeyHeads) + keyHead) * Shape.KeyLength) + key;
        double logit = sides is { } both
            ? NaiveSide.Product(both.Query, queryRow, both.Key, keyRow) * Scale * (Temperature.Length == 0 ? 1 : Temperature[head])
            : Enumerable.Range(0, dimension).Sum(channel => Query[(queryRow * dimension) + channel] * Key[(keyRow * dimension) + channel]) * Scale;
        logit += QueryCentre.Length == 0 ? 0 : Enumerable.Range(0, dimension).Sum(channel => QueryCentre[(head * dimension) + channel] * Key[(keyRow * dimension) + channel]) * Scale;
        logit += BiasIndex is null ? 0 : Bias[BiasIndex(batch, head, query, key)];
        return logit + (BiasAt?.Invoke(batch, head, query, key) ?? 0);
    }
}
