using System.Globalization;

namespace BinaryAttention.Models.Reports;

/// <summary>One axis of a chart: what it counts, and whether equal steps are equal ratios.</summary>
/// <param name="Label">What it counts, with its unit.</param>
/// <param name="IsLogarithmic">Equal steps are equal ratios; values must then be positive.</param>
internal sealed record ChartAxis(string Label, bool IsLogarithmic = false)
{
    private const int MostTicks = 6;

    /// <summary>The values where the axis is labelled, from the first at or below the smallest value to the first at or above the largest.</summary>
    /// <param name="smallest">Smallest value shown.</param>
    /// <param name="largest">Largest value shown.</param>
    public IReadOnlyList<double> Ticks(double smallest, double largest) => IsLogarithmic ? LogarithmicTicks(smallest, largest) : LinearTicks(smallest, largest);

    /// <summary>Where a value lies between the first and the last tick, 0 to 1.</summary>
    public double Place(double value, IReadOnlyList<double> ticks) => IsLogarithmic
        ? Math.Log(value / ticks[0]) / Math.Log(ticks[^1] / ticks[0])
        : (value - ticks[0]) / (ticks[^1] - ticks[0]);

    /// <summary>A tick in words: plain figures, thousands with a comma.</summary>
    public static string Text(double tick) => tick.ToString(Math.Abs(tick) >= 1000 ? "N0" : "0.######", CultureInfo.InvariantCulture);

    private static List<double> LinearTicks(double smallest, double largest)
    {
        double span = largest > smallest ? largest - smallest : Math.Max(Math.Abs(largest), 1);
        double step = Math.Pow(10, Math.Floor(Math.Log10(span / MostTicks)));
        step *= new[] { 1.0, 2, 5, 10 }.First(factor => span / (step * factor) <= MostTicks);
        List<double> ticks = [];
        double first = Math.Floor(smallest / step);
        for (int i = 0; ticks.Count < 2 || ticks[^1] < largest; i++)
        {
            ticks.Add((first + i) * step);
        }

        return ticks;
    }

    // Powers of two while few of them are needed, else powers of ten.
    private static List<double> LogarithmicTicks(double smallest, double largest)
    {
        double power = Math.Log2(largest / smallest) <= 2 * MostTicks ? 2 : 10;
        List<double> ticks = [];
        double first = Math.Floor(Math.Log(smallest, power) + 1e-9);
        for (int i = 0; ticks.Count < 2 || ticks[^1] < largest * (1 - 1e-9); i++)
        {
            ticks.Add(Math.Pow(power, first + i));
        }

        return ticks;
    }
}
