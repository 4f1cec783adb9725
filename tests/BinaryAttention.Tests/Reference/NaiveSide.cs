// One side of the sign products, written from the formulas: x ~ sum over planes of weight * sign. Everything double; no library code.
namespace BinaryAttention.Tests.Reference;

internal sealed class NaiveSide
{
    private readonly int _dimension;

    /// <summary>Decomposes queries or keys.</summary>
    /// <param name="values"><c>[heads of all items, tokens, dimension]</c>.</param>
    /// <param name="anchors">Where the straight-through surrogate is expanded, or null.</param>
    /// <param name="learned">Given weights, one per token.</param>
    /// <param name="mode">Where weights come from.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="tokens">Tokens of a head.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="valid">Valid tokens of a head, by its index.</param>
    /// <param name="zeroIsNegative">Whether a zero counts as -1.</param>
    public NaiveSide(double[] values, double[]? anchors, double[] learned, SignWeightingMode mode, int planes, int tokens, int dimension, Func<int, int> valid, bool zeroIsNegative)
    {
        _dimension = dimension;
        double[] rest = values;
        for (int plane = 0; plane < planes; plane++)
        {
            double[] current = rest;
            double[] weights = [.. Enumerable.Range(0, values.Length / dimension).Select(row => Weight(current, learned, mode, row, tokens, dimension, valid(row / tokens)))];
            double[] signs = [.. current.Select((x, i) => anchors is null ? Sign(x, zeroIsNegative) : Surrogate(x, anchors[i], mode, zeroIsNegative))];
            rest = [.. current.Select((x, i) => x - (weights[i / dimension] * signs[i]))];
            Planes.Add((weights, signs));
        }
    }

    public List<(double[] Weights, double[] Signs)> Planes { get; } = [];

    /// <summary>Sum over all pairs of planes of weight * weight * sign product.</summary>
    public static double Product(NaiveSide left, int leftRow, NaiveSide right, int rightRow)
    {
        double sum = 0;
        foreach ((double[] leftWeights, double[] leftSigns) in left.Planes)
        {
            foreach ((double[] rightWeights, double[] rightSigns) in right.Planes)
            {
                double dot = Enumerable.Range(0, left._dimension).Sum(channel => leftSigns[(leftRow * left._dimension) + channel] * rightSigns[(rightRow * left._dimension) + channel]);
                sum += leftWeights[leftRow] * rightWeights[rightRow] * dot;
            }
        }

        return sum;
    }

    private static double Sign(double x, bool zeroIsNegative) => x > 0 || (x == 0 && !zeroIsNegative) ? 1 : -1;

    private static double Surrogate(double x, double anchor, SignWeightingMode mode, bool zeroIsNegative)
    {
        double slope = mode != SignWeightingMode.Learned && Math.Abs(anchor) <= 1 ? 1 : 0;
        return Sign(anchor, zeroIsNegative) + (slope * (x - anchor));
    }

    private static double Weight(double[] values, double[] learned, SignWeightingMode mode, int row, int tokens, int dimension, int valid) => mode switch
    {
        SignWeightingMode.MeanMagnitudePerHead => values.Skip(row / tokens * tokens * dimension).Take(valid * dimension).DefaultIfEmpty(0).Average(Math.Abs),
        SignWeightingMode.MeanMagnitudePerToken => values.Skip(row * dimension).Take(dimension).Average(Math.Abs),
        SignWeightingMode.Learned => learned[row],
        _ => 1,
    };
}
