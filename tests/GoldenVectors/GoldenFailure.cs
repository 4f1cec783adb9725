namespace GoldenVectors;

/// <summary>One tensor that does not agree: by how much, and what was allowed; NaN where the failure is not a number.</summary>
internal sealed record GoldenFailure(string Tensor, double Error, double Tolerance, string Message)
{
    public override string ToString() => double.IsNaN(Tolerance)
        ? $"{Tensor}: {Message}"
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Tensor}: error {Error:G3}, tolerance {Tolerance:G3}. {Message}");
}
