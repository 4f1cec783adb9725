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
        foreach ((string name, string reason) in Report?.Skipped ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            yield return $"  left out {name}: {reason}";
        }

        foreach (GoldenFailure failure in Failures)
        {
            yield return $"  {failure}";
        }
    }
}
