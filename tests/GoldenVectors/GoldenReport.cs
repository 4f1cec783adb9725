// What one file's check found. Comparison methods never throw on a mismatch: they record it, so that one run names every wrong tensor.
//   RelativeToMaximum: max|a - b| / max|expected| <= tolerance, the definition that the files' own tolerances use.
// NaN agrees with NaN only, an infinity with the same infinity only.
namespace GoldenVectors;

internal sealed class GoldenReport(GoldenFile file)
{
    private readonly HashSet<string> _compared = new(StringComparer.Ordinal);
    private readonly List<GoldenFailure> _failures = [];
    private readonly Dictionary<string, string> _skipped = new(StringComparer.Ordinal);

    public string FileName => file.FileName;

    /// <summary>Distinct tensors that were compared.</summary>
    public int Compared => _compared.Count;

    public IReadOnlyList<GoldenFailure> Failures => _failures;

    /// <summary>Tensors that are left out, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Skipped => _skipped;

    /// <summary>Largest error among the comparisons by tolerance, in units of the tolerance.</summary>
    public double WorstShare { get; private set; }

    /// <summary>Compares by max|a - b| relative to the largest magnitude of the expected tensor, or to <paramref name="atLeast"/> if that is larger.</summary>
    public void RelativeToMaximum(string name, ReadOnlySpan<float> actual, double tolerance, double atLeast = 0) =>
        RelativeToMaximum(name, Widen(actual), tolerance, atLeast);

    public void RelativeToMaximum(string name, ReadOnlySpan<double> actual, double tolerance, double atLeast = 0)
    {
        double[] expected = Begin(name, actual.Length);
        double scale = atLeast;
        foreach (double value in expected)
        {
            scale = double.IsFinite(value) ? Math.Max(scale, Math.Abs(value)) : scale;
        }

        Record(name, expected, actual, scale == 0 ? 1 : scale, tolerance, "relative to the largest magnitude");
    }

    public void Absolute(string name, ReadOnlySpan<float> actual, double tolerance) => Absolute(name, Widen(actual), tolerance);

    public void Absolute(string name, ReadOnlySpan<double> actual, double tolerance) =>
        Record(name, Begin(name, actual.Length), actual, 1, tolerance, "absolute");

    public void ExactIntegers(string name, ReadOnlySpan<int> actual)
    {
        var widened = new double[actual.Length];
        for (int i = 0; i < widened.Length; i++)
        {
            widened[i] = actual[i];
        }

        Record(name, Begin(name, actual.Length), widened, 1, 0, "exact integers");
    }

    /// <summary>Compares float32 values by their distance in representable numbers; +0 and -0 agree.</summary>
    public void Ulps(string name, ReadOnlySpan<float> actual, int ulps)
    {
        double[] expected = Begin(name, actual.Length);
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            long distance = Distance((float)expected[i], actual[i]);
            if (distance > ulps)
            {
                Fail(name, FormattableString.Invariant($"element {i} is {actual[i]:G9}, expected {(float)expected[i]:G9}: {distance} ulps apart, {ulps} allowed"));
                return;
            }
        }
    }

    /// <summary>Leaves a tensor out for a written reason.</summary>
    public void Skip(string name, string reason)
    {
        file.Touch(name);
        _skipped[name] = reason;
    }

    public void Fail(string name, string message) => _failures.Add(new GoldenFailure(name, double.NaN, double.NaN, message));

    /// <summary>Adds a failure for every tensor that was neither used, compared nor skipped; the suite calls it.</summary>
    public void AccountForAll()
    {
        foreach (string name in file.Untouched)
        {
            Fail(name, "was neither used as input nor compared, and no reason is given");
        }
    }

    /// <summary>The expected values of a tensor that the caller compares in its own way; counts as compared. Report mismatches by <see cref="Fail"/>. Empty, with a failure, if the file has no such tensor.</summary>
    public double[] Begin(string name, int actualCount)
    {
        if (!file.Has(name))
        {
            Fail(name, "is not in the file");
            return [];
        }

        double[] expected = file.Peek(name).Values;
        file.Touch(name);
        _compared.Add(name);
        if (expected.Length != actualCount)
        {
            Fail(name, FormattableString.Invariant($"{actualCount} values were computed, the file holds {expected.Length}"));
        }

        return expected;
    }

    private void Record(string name, double[] expected, ReadOnlySpan<double> actual, double scale, double tolerance, string rule)
    {
        double worst = 0;
        int where = -1;
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            double error = expected[i].Equals(actual[i]) ? 0 : Math.Abs(expected[i] - actual[i]) / scale;
            if (double.IsNaN(error))
            {
                error = double.PositiveInfinity;
            }

            if (error > worst)
            {
                worst = error;
                where = i;
            }
        }

        if (tolerance > 0)
        {
            WorstShare = Math.Max(WorstShare, worst / tolerance);
        }

        if (worst > tolerance)
        {
            _failures.Add(new GoldenFailure(name, worst, tolerance, FormattableString.Invariant($"{rule}; element {where} is {actual[where]:G9}, expected {expected[where]:G9}")));
        }
    }

    private static long Distance(float left, float right)
    {
        if (left.Equals(right) || left == right)
        {
            return 0;
        }

        return float.IsNaN(left) || float.IsNaN(right) ? long.MaxValue : Math.Abs(Ordered(left) - Ordered(right));
    }

    // Maps float32 onto integers in the order of the numbers, so that neighbours differ by 1.
    private static long Ordered(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits >= 0 ? bits : -(long)(bits & int.MaxValue);
    }

    private static double[] Widen(ReadOnlySpan<float> values)
    {
        var widened = new double[values.Length];
        for (int i = 0; i < widened.Length; i++)
        {
            widened[i] = values[i];
        }

        return widened;
    }
}
