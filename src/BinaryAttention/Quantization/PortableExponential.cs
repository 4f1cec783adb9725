// exp(x) for x <= 0 from additions and multiplications in one fixed order, so that every machine (and a GPU that mirrors the order) gives the same bits; the C library's exp differs
// between platforms in the last place.
//   n = round(x / ln 2),  r = x - n ln 2 (ln 2 in two parts, n * high exact),  exp(x) = 2^n * (1 + r (1 + r/2 (...)) as a Horner polynomial of degree 13,  |r| <= 0.347
// Truncation error below 5e-18, rounding about one unit in the last place. Below -700 the result is 0: the numerator tables round it to 0 long before.
using System.Collections.Immutable;

namespace BinaryAttention.Quantization;

internal static class PortableExponential
{
    /// <summary>Arguments below give 0.</summary>
    public const double Lowest = -700;

    public const double InverseLn2 = 1.44269504088896338700e+00;

    /// <summary>ln 2 to 33 bits.</summary>
    public const double Ln2High = 6.93147180369123816490e-01;

    /// <summary>ln 2 - <see cref="Ln2High"/>.</summary>
    public const double Ln2Low = 1.90821492927058770002e-10;

    /// <summary>1/13!, 1/12!, ... 1/1!, 1: the order in which Horner's rule takes them.</summary>
    public static ImmutableArray<double> Coefficients { get; } =
    [
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0,
    ];

    /// <summary>exp(x), 0 for NaN.</summary>
    /// <param name="x">At most 0.</param>
    public static double Exp(double x)
    {
        if (!(x >= Lowest))
        {
            return 0;
        }

        double n = Math.Round(x * InverseLn2, MidpointRounding.ToEven);
        double high = x - (n * Ln2High);
        double r = high - (n * Ln2Low);
        ReadOnlySpan<double> coefficients = Coefficients.AsSpan();
        double sum = coefficients[0];
        for (int i = 1; i < coefficients.Length; i++)
        {
            double product = sum * r;
            sum = product + coefficients[i];
        }

        return sum * BitConverter.Int64BitsToDouble(((long)n + 1023) << 52);
    }
}
