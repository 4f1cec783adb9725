namespace GoldenVectors;

/// <summary>The result of one file: its report, or none where the file lies outside this suite.</summary>
internal sealed record GoldenOutcome(string FileName, string Case, GoldenReport? Report, IReadOnlyList<GoldenFailure> Failures)
{
    /// <summary>Whether the file is of a kind that this suite does not check.</summary>
    public bool IsOutside => Report is null && Failures.Count == 0;

    public bool Passed => Report is not null && Failures.Count == 0;

    public IEnumerable<string> Lines()
    {
        if (IsOutside)
        {
            yield return $"{FileName}: not checked: outside this suite (case {Case})";
            yield break;
        }

        string share = Report is null ? string.Empty : FormattableString.Invariant($", worst error {Report.WorstShare:P0} of its tolerance");
        yield return $"{FileName}: {(Passed ? "passed" : "FAILED")}, {Report?.Compared ?? 0} tensors compared{share}";
        foreach (IGrouping<string, string> left in (Report?.Skipped ?? new Dictionary<string, string>(StringComparer.Ordinal)).GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal))
        {
            // Names are "case/tensor": the cases say enough.
            string[] cases = [.. left.Select(name => name.Split('/')[0]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            int count = left.Count();
            yield return FormattableString.Invariant($"  left out {count} {(count == 1 ? "tensor" : "tensors")} of {string.Join(", ", cases)}: {left.Key}");
        }

        foreach (GoldenFailure failure in Failures)
        {
            yield return $"  {failure}";
        }
    }
}
