namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Finds the names a reader most likely meant: smallest edit distance (insertions, deletions, replacements, ignoring case), names that
/// contain the wanted one or are contained in it first. Only the first few thousand names are looked at: it serves a message.
/// </summary>
internal static class NearNames
{
    private const int MaxCandidates = 5_000;
    private const int MaxCompared = 128;

    /// <summary>At most <paramref name="count"/> near names, nearest first, in stored order where equally near.</summary>
    public static IReadOnlyList<string> Find(string wanted, IEnumerable<string> names, int count)
    {
        return [.. names
            .Take(MaxCandidates)
            .Select(name => (Name: name, Distance: Distance(wanted, name)))
            .Where(candidate => candidate.Distance <= Math.Max(3, wanted.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .Take(count)
            .Select(candidate => candidate.Name)];
    }

    private static int Distance(string left, string right)
    {
        bool isPart = left.Length > 2 && right.Length > 2
            && (left.Contains(right, StringComparison.OrdinalIgnoreCase) || right.Contains(left, StringComparison.OrdinalIgnoreCase));
        if (isPart)
        {
            return 1;
        }

        ReadOnlySpan<char> a = left.AsSpan(0, Math.Min(left.Length, MaxCompared));
        ReadOnlySpan<char> b = right.AsSpan(0, Math.Min(right.Length, MaxCompared));
        Span<int> row = stackalloc int[MaxCompared + 1];
        for (int column = 0; column <= b.Length; column++)
        {
            row[column] = column;
        }

        for (int line = 1; line <= a.Length; line++)
        {
            int diagonal = row[0];
            row[0] = line;
            for (int column = 1; column <= b.Length; column++)
            {
                int replaced = diagonal + (char.ToUpperInvariant(a[line - 1]) == char.ToUpperInvariant(b[column - 1]) ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(row[column], row[column - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
