// Charts are well-formed pictures whose points lie where the axes say, and text from files stays text.
using System.Globalization;
using System.Xml.Linq;
using BinaryAttention.Models.Reports;
using Xunit;

namespace BinaryAttention.Models.Tests.Reports;

public sealed class LineChartTests
{
    [Theory]
    [InlineData(false, 0.3, 9.7, "0 2 4 6 8 10")]
    [InlineData(false, -1, 1, "-1 -0.5 0 0.5 1")]
    [InlineData(false, 5, 5, "5 6")]
    [InlineData(true, 128, 1024, "128 256 512 1024")]
    [InlineData(true, 0.05, 400, "0.01 0.1 1 10 100 1000")]
    [InlineData(true, 3, 3, "2 4")]
    public void Ticks_AreRound_AndHoldEveryValue(bool isLogarithmic, double smallest, double largest, string expected)
    {
        IReadOnlyList<double> ticks = new ChartAxis("x", isLogarithmic).Ticks(smallest, largest);
        Assert.Equal(expected, string.Join(' ', ticks.Select(tick => tick.ToString("0.######", CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void Points_LieWhereTheAxesSay()
    {
        XElement line = Draw(new ChartSeries("a", [(1, 1), (2, 10), (4, 100)])).Descendants().Single(element => element.Name.LocalName == "polyline");
        double[][] points = [.. line.Attribute("points")!.Value.Split(' ').Select(point => point.Split(',').Select(part => double.Parse(part, CultureInfo.InvariantCulture)).ToArray())];
        Assert.Equal(points[1][0] - points[0][0], points[2][0] - points[1][0], 0.15);
        Assert.Equal(points[0][1] - points[1][1], points[1][1] - points[2][1], 0.15);
        Assert.True(points[2][1] < points[0][1], "more is higher up");
    }

    [Fact]
    public void PointsThatAreNotFinite_AreLeftOut()
    {
        XDocument picture = Draw(new ChartSeries("a", [(1, 1), (2, double.NaN), (4, double.PositiveInfinity), (4, 2)]));
        Assert.Equal(2, picture.Descendants().Single(element => element.Name.LocalName == "polyline").Attribute("points")!.Value.Split(' ').Length);
        Assert.Throws<ArgumentException>(() => Draw(new ChartSeries("a", [(1, double.NaN)])));
    }

    [Fact]
    public void Names_StayText()
    {
        XDocument picture = Draw(new ChartSeries("<script>&\"", [(1, 1), (2, 2)]));
        Assert.DoesNotContain(picture.Descendants(), element => element.Name.LocalName == "script");
        Assert.Contains(picture.Descendants(), element => element.Name.LocalName == "text" && element.Value == "<script>&\"");
    }

    private static XDocument Draw(params ChartSeries[] series) => XDocument.Parse(LineChart.Document("times", new ChartAxis("tokens", IsLogarithmic: true), new ChartAxis("ms", IsLogarithmic: true), series));
}
