// Test selections in which every pair of values of any two factors occurs together at least once: most faults need two factors, and the full product is far too large.
// Greedy: of a few random candidates that contain an uncovered pair, the one that covers most new pairs wins. Seeded, so the selection is the same everywhere.
namespace TestKit;

/// <summary>Pairwise selection over factors that are given by their numbers of values.</summary>
public static class Pairwise
{
    private const int Candidates = 24;

    /// <summary>Rows of value indices, one per factor.</summary>
    /// <param name="seed">Seed of the random candidates.</param>
    /// <param name="sizes">Number of values of every factor.</param>
    public static IReadOnlyList<int[]> Select(int seed, params ReadOnlySpan<int> sizes)
    {
        int[] counts = sizes.ToArray();
        var random = new Random(seed);
        var uncovered = new HashSet<(int FactorA, int A, int FactorB, int B)>();
        for (int a = 0; a < counts.Length; a++)
        {
            for (int b = a + 1; b < counts.Length; b++)
            {
                uncovered.UnionWith(
                    from x in Enumerable.Range(0, counts[a])
                    from y in Enumerable.Range(0, counts[b])
                    select (a, x, b, y));
            }
        }

        List<int[]> rows = [];
        while (uncovered.Count > 0)
        {
            (int factorA, int valueA, int factorB, int valueB) = uncovered.First();
            int[] best = [];
            int bestNew = -1;
            for (int candidate = 0; candidate < Candidates; candidate++)
            {
                int[] row = Array.ConvertAll(counts, random.Next);
                row[factorA] = valueA;
                row[factorB] = valueB;
                int covers = Pairs(row).Count(uncovered.Contains);
                if (covers > bestNew)
                {
                    (best, bestNew) = (row, covers);
                }
            }

            rows.Add(best);
            uncovered.ExceptWith(Pairs(best));
        }

        return rows;
    }

    private static IEnumerable<(int FactorA, int A, int FactorB, int B)> Pairs(int[] row) =>
        from a in Enumerable.Range(0, row.Length)
        from b in Enumerable.Range(a + 1, row.Length - a - 1)
        select (a, row[a], b, row[b]);
}
