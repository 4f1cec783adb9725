namespace BinaryAttention.Models.Training.Runs;

/// <summary>The mean of a few numbers and its 95 percent confidence interval by Student's distribution.</summary>
/// <param name="Mean">The mean; NaN of none.</param>
/// <param name="HalfWidth">Half of the interval; NaN of fewer than two numbers.</param>
internal readonly record struct SampleMean(double Mean, double HalfWidth)
{
    // 97.5 percent points for 1, 2, ... degrees of freedom.
    private static readonly double[] Points = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086];

    public static SampleMean Of(IReadOnlyCollection<double> values)
    {
        int count = values.Count;
        if (count == 0)
        {
            return new SampleMean(double.NaN, double.NaN);
        }

        double mean = values.Average();
        if (count == 1)
        {
            return new SampleMean(mean, double.NaN);
        }

        double deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (count - 1));
        return new SampleMean(mean, (count - 2 < Points.Length ? Points[count - 2] : 1.96 + (2.4 / (count - 1))) * deviation / Math.Sqrt(count));
    }
}
