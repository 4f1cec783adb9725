// Makes a failing case small: options back to their defaults, sizes halved and counted down, as long as it still fails. Greedy, from the largest steps to the smallest.
using TestKit.Attention;

namespace BinaryAttention.Tests.Matrix;

internal static class CaseShrinker
{
    private const int MostAttempts = 2_000;

    /// <summary>A smaller case that still fails.</summary>
    /// <param name="failing">A case that fails.</param>
    /// <param name="fails">Whether a case fails.</param>
    public static AttentionCase Shrink(AttentionCase failing, Predicate<AttentionCase> fails)
    {
        AttentionCase smallest = failing;
        for (int attempts = 0; attempts < MostAttempts;)
        {
            AttentionCase? next = null;
            foreach (AttentionCase candidate in Smaller(smallest).Where(candidate => candidate != smallest))
            {
                attempts++;
                if (fails(candidate))
                {
                    next = candidate;
                    break;
                }
            }

            if (next is null)
            {
                break;
            }

            smallest = next;
        }

        return smallest;
    }

    private static IEnumerable<AttentionCase> Smaller(AttentionCase c)
    {
        foreach (AttentionCase simpler in Simpler(c))
        {
            yield return simpler;
        }

        foreach (MaskParts part in Enum.GetValues<MaskParts>())
        {
            yield return c with { Mask = c.Mask & ~part };
        }

        foreach (CalibrationParts part in Enum.GetValues<CalibrationParts>())
        {
            yield return c with { Calibration = c.Calibration & ~part };
        }

        yield return c with { Heads = 1, KeyHeads = 1 };
        yield return c with { Heads = 2, KeyHeads = 1 };
        yield return c with { Heads = c.KeyHeads };
        yield return c with { Queries = Math.Min(c.Queries, c.Keys), Keys = Math.Min(c.Queries, c.Keys) };
        foreach (Func<int, int> step in (Func<int, int>[])[static _ => 1, static size => size / 2, static size => size - (size / 4), static size => size - 1])
        {
            yield return c with { Batch = Math.Max(step(c.Batch), 1) };
            yield return c with { Queries = Math.Max(step(c.Queries), 1) };
            yield return c with { Keys = Math.Max(step(c.Keys), 1) };
            yield return c with { Queries = Math.Max(step(c.Queries), 1), Keys = Math.Max(step(c.Keys), 1) };
            yield return c with { HeadDimension = Math.Max(step(c.HeadDimension), 1) };
            yield return c with { ValueDimension = Math.Max(step(c.ValueDimension), 1) };
        }
    }

    private static IEnumerable<AttentionCase> Simpler(AttentionCase c)
    {
        var defaults = new AttentionCase();
        yield return c with { Mask = defaults.Mask };
        yield return c with { Calibration = defaults.Calibration };
        yield return c with { Bias = defaults.Bias };
        yield return c with { Weighting = defaults.Weighting };
        yield return c with { Quantization = defaults.Quantization };
        yield return c with { QueryPlanes = defaults.QueryPlanes };
        yield return c with { KeyPlanes = defaults.KeyPlanes };
        yield return c with { SignOfZero = defaults.SignOfZero };
        yield return c with { Inputs = defaults.Inputs };
        yield return c with { LogitScale = defaults.LogitScale };
        yield return c with { Layout = defaults.Layout };
        yield return c with { TokenGap = defaults.TokenGap };
    }
}
