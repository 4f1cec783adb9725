// Attention written once more from the formulas, independent of the library: everything double, whole matrices, one function from operands to output.
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

    public double[] Bias { get; init; } = [];

    /// <summary>Where the pair (batch, head, query, key) reads <see cref="Bias"/>.</summary>
    public Func<int, int, int, int, int>? BiasIndex { get; init; }

    public double? LogitScale { get; init; }

    /// <summary>The point at which the surrogate is expanded, or null for the true signs.</summary>
    public NaiveProblem? Anchor { get; init; }

    private int KeyHeads => Shape.KeyHeadCount == 0 ? Shape.HeadCount : Shape.KeyHeadCount;

    /// <summary>Row of logits, then output row and log-sum-exp; -infinity in the bias masks.</summary>
    public (double[] Output, double[] LogSumExp) Attend()
    {
        var output = new double[Shape.BatchSize * Shape.HeadCount * Shape.QueryLength * Shape.ValueDimension];
        var logSumExp = new double[Shape.BatchSize * Shape.HeadCount * Shape.QueryLength];
        for (int row = 0; row < logSumExp.Length; row++)
        {
            int query = row % Shape.QueryLength;
            int head = row / Shape.QueryLength % Shape.HeadCount;
            int batch = row / Shape.QueryLength / Shape.HeadCount;
            int keyHead = head / (Shape.HeadCount / KeyHeads);
            double[] logits = [.. Enumerable.Range(0, Shape.KeyLength).Select(key => Logit(batch, head, keyHead, query, key))];
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
                for (int channel = 0; channel < Shape.ValueDimension; channel++)
                {
                    double value = Value[(((((batch * KeyHeads) + keyHead) * Shape.KeyLength) + key) * Shape.ValueDimension) + channel];
                    output[(row * Shape.ValueDimension) + channel] += Math.Exp(logits[key] - maximum) / sum * value;
                }
            }
        }

        return (output, logSumExp);
    }

    private double Logit(int batch, int head, int keyHead, int query, int key)
    {
        int queryRow = (((batch * Shape.HeadCount) + head) * Shape.QueryLength) + query;
        int keyRow = (((batch * KeyHeads) + keyHead) * Shape.KeyLength) + key;
        double dot = 0;
        for (int channel = 0; channel < Shape.HeadDimension; channel++)
        {
            int queryIndex = (queryRow * Shape.HeadDimension) + channel;
            int keyIndex = (keyRow * Shape.HeadDimension) + channel;
            dot += IsBinary
                ? Sign(Query, Anchor?.Query, queryIndex, Rows) * Sign(Key, Anchor?.Key, keyIndex, Columns)
                : Query[queryIndex] * Key[keyIndex];
        }

        double scale = LogitScale ?? 1 / Math.Sqrt(Shape.HeadDimension);
        double weights = IsBinary ? Weight(Query, RowWeights, Rows, queryRow, Shape.QueryLength) * Weight(Key, ColumnWeights, Columns, keyRow, Shape.KeyLength) : 1;
        return (weights * scale * dot) + (BiasIndex is null ? 0 : Bias[BiasIndex(batch, head, query, key)]);
    }

    private static double Sign(double[] values, double[]? anchors, int index, SignWeightingMode mode)
    {
        if (anchors is null)
        {
            return values[index] >= 0 ? 1 : -1;
        }

        double anchor = anchors[index];
        double slope = mode != SignWeightingMode.Learned && Math.Abs(anchor) <= 1 ? 1 : 0;
        return (anchor >= 0 ? 1 : -1) + (slope * (values[index] - anchor));
    }

    private double Weight(double[] values, double[] learned, SignWeightingMode mode, int row, int tokens)
    {
        int dimension = Shape.HeadDimension;
        return mode switch
        {
            SignWeightingMode.MeanMagnitudePerHead => values.AsSpan(row / tokens * tokens * dimension, tokens * dimension).ToArray().Average(Math.Abs),
            SignWeightingMode.MeanMagnitudePerToken => values.AsSpan(row * dimension, dimension).ToArray().Average(Math.Abs),
            SignWeightingMode.Learned => learned[row],
            _ => 1,
        };
    }
}
