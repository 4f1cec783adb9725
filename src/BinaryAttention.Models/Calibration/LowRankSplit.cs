// Splits a bilinear form q.k of random vectors into a part of low rank, which is kept in float, and a rest, which is binarised. With Cq = Lq Lq^T and Ck = Lk Lk^T the
// covariances of the centred vectors and Lq^T Lk = P S Q^T (singular values S), the whitened form is sum_r S_r (P_r . x)(Q_r . y): its first R terms carry the most
// variance of the logits that R terms can. In the vectors themselves
//
//   V = Lq^-T P sqrt(S),  U = Lk^-T Q sqrt(S),  first R columns:    q.k ~ (q V).(k U)
//
// U^T V = I, so V U^T is a projection, and the rest is q (I - V U^T) . k (I - U V^T).
namespace BinaryAttention.Models.Calibration;

internal sealed class LowRankSplit
{
    // Added to the covariances, as a share of their mean variance: channels that do not vary have no inverse.
    private const double Ridge = 1e-6;

    private LowRankSplit(double[] queryFactor, double[] keyFactor) => (QueryFactor, KeyFactor) = (queryFactor, keyFactor);

    /// <summary>V, <c>[dimension, rank]</c>.</summary>
    public double[] QueryFactor { get; }

    /// <summary>U, <c>[dimension, rank]</c>.</summary>
    public double[] KeyFactor { get; }

    public static LowRankSplit Create(double[] queryCovariance, double[] keyCovariance, int dimension, int rank)
    {
        double[] queryRoot = Cholesky(queryCovariance, dimension), keyRoot = Cholesky(keyCovariance, dimension);
        var cross = new double[dimension * dimension];
        for (int row = 0; row < dimension; row++)
        {
            for (int column = 0; column < dimension; column++)
            {
                double sum = 0;
                for (int i = 0; i < dimension; i++)
                {
                    sum += queryRoot[(i * dimension) + row] * keyRoot[(i * dimension) + column];
                }

                cross[(row * dimension) + column] = sum;
            }
        }

        SingularValues values = SingularValues.Decompose(cross, dimension);
        return new LowRankSplit(Factor(queryRoot, values.Left, values.Values, dimension, rank), Factor(keyRoot, values.Right, values.Values, dimension, rank));
    }

    private static double[] Factor(double[] root, double[] vectors, double[] values, int dimension, int rank)
    {
        var factor = new double[dimension * rank];
        var column = new double[dimension];
        for (int r = 0; r < rank; r++)
        {
            for (int i = 0; i < dimension; i++)
            {
                column[i] = vectors[(i * dimension) + r] * Math.Sqrt(values[r]);
            }

            // Back substitution with the transpose of the lower triangle.
            for (int i = dimension - 1; i >= 0; i--)
            {
                double sum = column[i];
                for (int j = i + 1; j < dimension; j++)
                {
                    sum -= root[(j * dimension) + i] * column[j];
                }

                column[i] = sum / root[(i * dimension) + i];
            }

            for (int i = 0; i < dimension; i++)
            {
                factor[(i * rank) + r] = column[i];
            }
        }

        return factor;
    }

    private static double[] Cholesky(double[] covariance, int dimension)
    {
        double trace = 0;
        for (int i = 0; i < dimension; i++)
        {
            trace += covariance[(i * dimension) + i];
        }

        double ridge = Math.Max(trace / dimension * Ridge, 1e-30);
        var root = new double[dimension * dimension];
        for (int row = 0; row < dimension; row++)
        {
            for (int column = 0; column <= row; column++)
            {
                double sum = covariance[(row * dimension) + column] + (row == column ? ridge : 0);
                for (int i = 0; i < column; i++)
                {
                    sum -= root[(row * dimension) + i] * root[(column * dimension) + i];
                }

                root[(row * dimension) + column] = row == column ? Math.Sqrt(Math.Max(sum, ridge * 1e-3)) : sum / root[(column * dimension) + column];
            }
        }

        return root;
    }
}
