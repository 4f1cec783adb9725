// exp(x) for x <= 0 from additions and multiplications in one fixed order, so that every machine (and a GPU that mirrors the order) gives the same bits; the C library's exp differs
// between platforms in the last place.
//   n = round(x / ln 2),  r = x - n ln 2 (ln 2 in two parts, n * high exact, |r| <= 0.347),  exp(x) = 2^n (1 + (r + r^2 w)),  w = 1/2! + r/3! + ... + r^11/13!
// w is summed in pairs, quadruples and so on (Estrin's scheme): a chain of six steps instead of twelve. Truncation error below 5e-18, rounding below one and a half units in the last place.
// Below -700 the result is 0: the numerator tables round it to 0 long before.
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

    /// <summary>1/2!, 1/3!, ... 1/13!.</summary>
    public static ImmutableArray<double> Coefficients { get; } =
        [1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800];

    /// <summary>exp(x), 0 for NaN.</summary>
    /// <param name="x">At most 0.</param>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    public static double Exp(double x)
    {
        if (!(x >= Lowest))
        {
            return 0;
        }

        double n = Math.Round(x * InverseLn2, MidpointRounding.ToEven);
        double high = x - (n * Ln2High);
        double r = high - (n * Ln2Low);
        double r2 = r * r;
        double r4 = r2 * r2;
        ReadOnlySpan<double> c = Coefficients.AsSpan();
        double b0 = (c[0] + (c[1] * r)) + ((c[2] + (c[3] * r)) * r2);
        double b1 = (c[4] + (c[5] * r)) + ((c[6] + (c[7] * r)) * r2);
        double b2 = (c[8] + (c[9] * r)) + ((c[10] + (c[11] * r)) * r2);
        double w = b0 + ((b1 + (b2 * r4)) * r4);
        double sum = 1.0 + (r + (w * r2));
        return sum * BitConverter.Int64BitsToDouble(((long)n + 1023) << 52);
    }
}
