// What docs/theory.md says, on Gaussian data, and its figures, which are drawn from the same experiments.
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class TheoryTests
{
    private const string ApproveVariable = "BINARYATTENTION_APPROVE";

    [Theory]
    [InlineData(-0.9)]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    [InlineData(0.99)]
    public void ArcsineLaw_Holds(double rho) => Assert.Equal(2 / Math.PI * Math.Asin(rho), GaussianSigns.SignCorrelation(rho, 200_000, 1), 0.01);

    [Fact]
    public void SmallProducts_ShrinkByTheSquareOfTwoOverPi() => Assert.Equal(4 / (Math.PI * Math.PI), GaussianSigns.Shrinkage(0.1, 64, 60_000, 2), 0.01);

    [Fact]
    public void LeastSquares_WantsATemperatureOfOne() => Assert.Equal(1, GaussianSigns.LeastSquaresFactor(64, 60_000, 3), 0.03);

    [Fact]
    public void SignCovariance_IsConsistent()
    {
        double few = GaussianSigns.CovarianceError(1_000, 4), many = GaussianSigns.CovarianceError(100_000, 4);
        Assert.True(many < few / 3 && many < 0.015, $"error {few} from 1,000 samples, {many} from 100,000");
    }

    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(256)]
    public void HammingOrder_KeepsToItsBound(int bits)
    {
        double delta = Math.PI / 8, swapped = GaussianSigns.Swapped(Math.PI / 4, delta, bits, 4_000, 5);
        Assert.True(swapped <= Bound(bits, delta), $"{swapped} of the pairs are swapped; the bound is {Bound(bits, delta)}");
    }

    [Theory]
    [InlineData("theory-arcsine")]
    [InlineData("theory-shrinkage")]
    [InlineData("theory-covariance")]
    [InlineData("theory-order")]
    public void Figure_IsTheOneInTheDocumentation(string name)
    {
        string path = RepositoryFolder.PathOf($"docs/images/{name}.svg"), drawn = Draw(name);
        if (string.Equals(Environment.GetEnvironmentVariable(ApproveVariable), "1", StringComparison.Ordinal))
        {
            File.WriteAllText(path, drawn);
        }

        Assert.True(File.Exists(path), $"docs/images/{name}.svg is missing; {ApproveVariable}=1 draws it.");
        Assert.Equal(drawn, File.ReadAllText(path).ReplaceLineEndings("\n"));
    }

    private static double Bound(int bits, double delta) => Math.Exp(-bits * Math.Pow(delta / Math.PI, 2) / 2);

    private static string Draw(string name) => name switch
    {
        "theory-arcsine" => new TheoryFigure("correlation of two channels", "correlation of their signs", (-1, 1), (-1, 1))
            .Curve(static x => 2 / Math.PI * Math.Asin(x)).Points(Steps(-0.95, 0.95, 20).Select(static x => (x, GaussianSigns.SignCorrelation(x, 20_000, 1)))).Text(),
        "theory-shrinkage" => new TheoryFigure("correlation of query and key", "binary product over q.k", (0, 1), (0, 1))
            .Curve(static x => 2 / Math.PI * (x < 1e-6 ? 2 / Math.PI : 2 / Math.PI * Math.Asin(x) / x)).Points(Steps(0.05, 0.95, 19).Select(static x => (x, GaussianSigns.Shrinkage(x, 64, 2_000, 2)))).Text(),
        "theory-covariance" => new TheoryFigure("samples, 10 to the power", "largest error, 10 to the power", (2, 5), (-3, 0))
            .Curve(static x => 0.2 - (x / 2)).Points(Steps(2, 5, 7).Select(static x => (x, Math.Log10(GaussianSigns.CovarianceError((int)Math.Pow(10, x), 4))))).Text(),
        _ => new TheoryFigure("bits", "share of keys in the wrong order", (0, 256), (0, 1))
            .Curve(static x => Bound((int)x, Math.PI / 8)).Points(Steps(16, 256, 16).Select(static x => (x, GaussianSigns.Swapped(Math.PI / 4, Math.PI / 8, (int)x, 1_000, 5)))).Text(),
    };

    private static IEnumerable<double> Steps(double first, double last, int count) => Enumerable.Range(0, count).Select(i => first + ((last - first) * i / (count - 1)));
}
