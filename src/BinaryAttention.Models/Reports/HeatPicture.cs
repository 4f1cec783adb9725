// Probabilities as a PNG of one pixel a cell inside a data URI; the page enlarges it without smoothing. Colours follow the square root of the probability over
// the largest one, since attention spans several orders of magnitude.
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Models.Reports;

internal static class HeatPicture
{
    public static string DataUri(ReadOnlySpan<float> values, int rows, int columns, float largest)
    {
        var pixels = new byte[3 * rows * columns];
        for (int i = 0; i < rows * columns; i++)
        {
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = ColourRamp.At(largest > 0 || float.IsNaN(largest) ? Math.Sqrt(values[i] / largest) : 0);
        }

        return DataUri(new RgbImage(columns, rows, pixels));
    }

    public static string DataUri(RgbImage image) => "data:image/png;base64," + Convert.ToBase64String(PngEncoder.Encode(image));

    /// <summary>The value that a share of all values of both does not exceed; NaN if there is one.</summary>
    public static float Quantile(float[] first, float[] second, double share)
    {
        float[] sorted = [.. first, .. second];
        Array.Sort(sorted);

        // NaN sorts first.
        return float.IsNaN(sorted[0]) ? float.NaN : sorted[(int)(share * (sorted.Length - 1))];
    }

    /// <summary>The largest value of both; NaN if there is one.</summary>
    public static float Largest(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        float largest = 0;
        foreach (float value in first)
        {
            largest = MathF.Max(largest, value);
        }

        foreach (float value in second)
        {
            largest = MathF.Max(largest, value);
        }

        return largest;
    }
}
