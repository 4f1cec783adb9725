// Signs, their distance, and the straight-through estimator (BinaryAttention, section 4.2).
//   bit(x) = x >= 0, so +0 and -0 are both positive (or both negative by option)        signDot = d - 2 * hammingDistance
//   d sign(x) / dx := 1 where -1 <= x <= 1, else 0
namespace BinaryAttention.Reference;

internal static class ReferenceSigns
{
    /// <summary>+1 or -1; 0 for NaN, as in the public training code. The 0 never reaches an output: a head with a NaN is NaN throughout.</summary>
    public static int Of(double x, SignOfZero signOfZero = SignOfZero.Positive)
    {
        if (double.IsNaN(x))
        {
            return 0;
        }

        bool isPositive = signOfZero == SignOfZero.Positive ? x >= 0 : x > 0;
        return isPositive ? 1 : -1;
    }

    public static int HammingDistance(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> key)
    {
        int distance = 0;
        for (int channel = 0; channel < query.Length; channel++)
        {
            if (query[channel] != key[channel])
            {
                distance++;
            }
        }

        return distance;
    }

    /// <summary>Whether the straight-through estimator lets a gradient pass; the training code stops it beyond +-1 only, so NaN passes.</summary>
    public static bool PassesGradient(float x) => x is not (> 1 or < -1);
}
