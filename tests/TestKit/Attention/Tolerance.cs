// The one rule for floating-point results: the largest error of a result against double precision is at most twice the largest error that the same algorithm makes in plain
// float32 loops (PlainFloatAttention), plus a floor of 4 units in the last place of the largest expected number. Why the floor: a short row may be computed
// without any rounding by the plain loops (one key: e = 1, out = v / 1), while a correct kernel multiplies by a rounded reciprocal of the sum and scales queries instead of logits.
namespace TestKit.Attention;

/// <summary>The tolerance rule of floating-point results.</summary>
public static class Tolerance
{
    /// <summary>How many times the plain float32 error a kernel may make.</summary>
    public const double Factor = 2;

    /// <summary>Units in the last place (2^-23 of the largest expected number) that are always allowed.</summary>
    public const double FloorUlps = 4;

    /// <summary>Null if the result obeys the rule, else what it breaks.</summary>
    /// <param name="what">Name of the numbers.</param>
    /// <param name="expected">Computed in double.</param>
    /// <param name="plain">Computed in plain float32.</param>
    /// <param name="actual">The kernel's.</param>
    public static string? Violation(string what, ReadOnlySpan<float> expected, ReadOnlySpan<float> plain, ReadOnlySpan<float> actual)
    {
        double largest = 0;
        double plainError = 0;
        double actualError = 0;
        int worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            // A NaN compares false with every maximum, so it would be forgotten below.
            if (!float.IsFinite(expected[i]) || !float.IsFinite(actual[i]))
            {
                if (!expected[i].Equals(actual[i]))
                {
                    return $"{what}[{i}] is {actual[i]}; expected {expected[i]}.";
                }

                continue;
            }

            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            plainError = Math.Max(plainError, Math.Abs((double)plain[i] - expected[i]));
            double error = Math.Abs((double)actual[i] - expected[i]);
            if (error > actualError)
            {
                (actualError, worst) = (error, i);
            }
        }

        double allowed = (Factor * plainError) + (FloorUlps * largest * Math.Pow(2, -23));
        return actualError <= allowed ? null : $"{what}[{worst}] is {actual[worst]:R}; expected {expected[worst]:R}: error {actualError:E3}, allowed {allowed:E3} (plain float32 makes {plainError:E3}).";
    }
}
