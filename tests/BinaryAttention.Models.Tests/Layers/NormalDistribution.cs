// The normal distribution function in double: the Taylor series of the error function near zero, its continued fraction further out.
namespace BinaryAttention.Models.Tests.Layers;

internal static class NormalDistribution
{
    public static double Below(double x)
    {
        double tail = Tail(Math.Abs(x));
        return x > 0 ? 1 - tail : tail;
    }

    private static double Tail(double magnitude)
    {
        double z = magnitude / Math.Sqrt(2);
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
