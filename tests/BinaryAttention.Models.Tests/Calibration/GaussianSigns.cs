// Experiments with signs of Gaussian vectors, for the tests of docs/theory.md and its figures. Fixed seeds: the same numbers every time.
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Tests.Calibration;

internal static class GaussianSigns
{
    /// <summary>Mean of sign(x) sign(y) over pairs of correlation rho.</summary>
    public static double SignCorrelation(double rho, int samples, ulong seed)
    {
        var random = new SplitMix64(seed);
        long sum = 0;
        for (int i = 0; i < samples; i++)
        {
            double x = random.NextNormal(), y = (rho * x) + (Math.Sqrt(1 - (rho * rho)) * random.NextNormal());
            sum += (x >= 0) == (y >= 0) ? 1 : -1;
        }

        return (double)sum / samples;
    }

    /// <summary>Mean of mean|q| mean|k| s.t over pairs of vectors whose channels have correlation rho, over the mean of q.k.</summary>
    public static double Shrinkage(double rho, int dimension, int samples, ulong seed)
    {
        var random = new SplitMix64(seed);
        double binary = 0, exact = 0;
        for (int i = 0; i < samples; i++)
        {
            (double product, double signs) = Pair(rho, dimension, ref random);
            binary += signs;
            exact += product;
        }

        return binary / exact;
    }

    /// <summary>Least-squares factor of q.k on mean|q| mean|k| s.t over independent vectors.</summary>
    public static double LeastSquaresFactor(int dimension, int samples, ulong seed)
    {
        var random = new SplitMix64(seed);
        double cross = 0, square = 0;
        for (int i = 0; i < samples; i++)
        {
            (double product, double signs) = Pair(0, dimension, ref random);
            cross += product * signs;
            square += signs * signs;
        }

        return cross / square;
    }

    /// <summary>Largest error of sin(pi / 2 S) against the correlations of a Gaussian with 6 channels, S the sign covariance of a sample.</summary>
    public static double CovarianceError(int samples, ulong seed)
    {
        const int size = 6;
        var random = new SplitMix64(seed);
        var signs = new long[size * size];
        double[] x = new double[size], steps = new double[size];
        for (int i = 0; i < samples; i++)
        {
            // Channels of a random walk: correlation sqrt(min / max).
            double position = 0;
            for (int channel = 0; channel < size; channel++)
            {
                steps[channel] = random.NextNormal();
                x[channel] = position += steps[channel];
            }

            for (int entry = 0; entry < signs.Length; entry++)
            {
                signs[entry] += (x[entry / size] >= 0) == (x[entry % size] >= 0) ? 1 : -1;
            }
        }

        return Enumerable.Range(0, size * size).Max(entry =>
        {
            double first = 1 + (entry / size), second = 1 + (entry % size);
            return Math.Abs(Math.Sin(Math.PI / 2 * signs[entry] / samples) - Math.Sqrt(Math.Min(first, second) / Math.Max(first, second)));
        });
    }

    /// <summary>Share of pairs of keys, at angles theta and theta + delta from a query, whose Hamming distances after random Gaussian projections are in the wrong order; ties count half.</summary>
    public static double Swapped(double theta, double delta, int bits, int samples, ulong seed)
    {
        var random = new SplitMix64(seed);
        double swapped = 0;
        for (int sample = 0; sample < samples; sample++)
        {
            int near = 0, far = 0;
            for (int bit = 0; bit < bits; bit++)
            {
                // The query along the first axis, the keys in two planes through it.
                double a = random.NextNormal(), b = random.NextNormal(), c = random.NextNormal();
                bool query = a >= 0;
                near += query != ((Math.Cos(theta) * a) + (Math.Sin(theta) * b) >= 0) ? 1 : 0;
                far += query != ((Math.Cos(theta + delta) * a) + (Math.Sin(theta + delta) * c) >= 0) ? 1 : 0;
            }

            swapped += near > far ? 1 : near == far ? 0.5 : 0;
        }

        return swapped / samples;
    }

    private static (double Product, double Signs) Pair(double rho, int dimension, ref SplitMix64 random)
    {
        double product = 0, queryMagnitude = 0, keyMagnitude = 0;
        int dot = 0;
        for (int channel = 0; channel < dimension; channel++)
        {
            double q = random.NextNormal(), k = (rho * q) + (Math.Sqrt(1 - (rho * rho)) * random.NextNormal());
            product += q * k;
            queryMagnitude += Math.Abs(q);
            keyMagnitude += Math.Abs(k);
            dot += (q >= 0) == (k >= 0) ? 1 : -1;
        }

        return (product, queryMagnitude * keyMagnitude / ((double)dimension * dimension) * dot);
    }
}
