// Random erasing (Zhong et al. 2020) of normalised pixels: a rectangle of 2 to 33 percent of the area becomes standard normal noise.

namespace BinaryAttention.Models.Training.Data.Augmentation;

internal static class RandomErasing
{
    private const int Attempts = 10;
    private const double SmallestShare = 0.02, LargestShare = 1.0 / 3, SmallestRatio = 0.3;

    /// <summary>Erases in place with the given probability; pixels are <c>[channels, height, width]</c>.</summary>
    public static void Apply(Span<float> pixels, int channels, int height, int width, double probability, ref RandomStream random)
    {
        if (random.NextDouble() >= probability)
        {
            return;
        }

        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double area = height * width * (SmallestShare + ((LargestShare - SmallestShare) * random.NextDouble()));
            double ratio = Math.Exp(Math.Log(SmallestRatio) * ((2 * random.NextDouble()) - 1));
            int rows = (int)Math.Round(Math.Sqrt(area * ratio)), columns = (int)Math.Round(Math.Sqrt(area / ratio));
            if (rows < 1 || columns < 1 || rows >= height || columns >= width)
            {
                continue;
            }

            int top = random.NextInt(height - rows + 1), left = random.NextInt(width - columns + 1);
            for (int channel = 0; channel < channels; channel++)
            {
                for (int y = top; y < top + rows; y++)
                {
                    foreach (ref float pixel in pixels.Slice((((channel * height) + y) * width) + left, columns))
                    {
                        pixel = (float)random.NextNormal();
                    }
                }
            }

            return;
        }
    }
}
