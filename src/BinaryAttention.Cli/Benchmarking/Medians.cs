namespace BinaryAttention.Cli.Benchmarking;

/// <summary>The middle of some times: every benchmark reports it by the same rule.</summary>
internal static class Medians
{
    /// <summary>The middle value, or the mean of the middle two.</summary>
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
