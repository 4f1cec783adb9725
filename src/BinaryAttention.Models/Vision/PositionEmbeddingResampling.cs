// Fits a grid of position embeddings to another grid, as the public code does with the interpolation of its framework:
//
//   source coordinate = (target + 1/2) * sourceSize / targetSize - 1/2      corners not aligned, no antialiasing
//   bicubic: taps floor - 1 .. floor + 2, Keys' kernel with a = -0.75, indices clamped to the border
//   bilinear: the coordinate is clamped at 0 first, taps floor and floor + 1, clamped to the border
//
// Both are separable; weights are formed in double. Equal sizes give the input back.
namespace BinaryAttention.Models.Vision;

internal static class PositionEmbeddingResampling
{
    private const double A = -0.75;

    /// <summary>Resizes <c>[height, width, channels]</c>.</summary>
    public static float[] Resize(ReadOnlySpan<float> source, int height, int width, int newHeight, int newWidth, int channels, PositionResize filter)
    {
        if (source.Length != (long)height * width * channels)
        {
            throw new ArgumentException($"source has {source.Length} values; {height} x {width} positions of {channels} channels need {(long)height * width * channels}.", nameof(source));
        }

        (int[] rowTaps, double[] rowWeights) = Taps(height, newHeight, filter);
        (int[] columnTaps, double[] columnWeights) = Taps(width, newWidth, filter);
        int taps = rowTaps.Length / newHeight;
        var result = new float[newHeight * newWidth * channels];
        var sums = new double[channels];
        for (int y = 0; y < newHeight; y++)
        {
            for (int x = 0; x < newWidth; x++)
            {
                Array.Clear(sums);
                for (int i = 0; i < taps; i++)
                {
                    for (int j = 0; j < taps; j++)
                    {
                        double weight = rowWeights[(y * taps) + i] * columnWeights[(x * taps) + j];
                        ReadOnlySpan<float> token = source.Slice(((rowTaps[(y * taps) + i] * width) + columnTaps[(x * taps) + j]) * channels, channels);
                        for (int c = 0; c < channels; c++)
                        {
                            sums[c] += weight * token[c];
                        }
                    }
                }

                for (int c = 0; c < channels; c++)
                {
                    result[(((y * newWidth) + x) * channels) + c] = (float)sums[c];
                }
            }
        }

        return result;
    }

    /// <summary>For every target index its source indices and their weights.</summary>
    private static (int[] Indices, double[] Weights) Taps(int size, int newSize, PositionResize filter)
    {
        int taps = filter == PositionResize.Bicubic ? 4 : 2;
        var indices = new int[newSize * taps];
        var weights = new double[newSize * taps];
        for (int target = 0; target < newSize; target++)
        {
            double coordinate = ((target + 0.5) * size / newSize) - 0.5;
            if (filter == PositionResize.Bilinear)
            {
                coordinate = Math.Max(coordinate, 0);
            }

            int floor = (int)Math.Floor(coordinate);
            double fraction = coordinate - floor;
            for (int tap = 0; tap < taps; tap++)
            {
                int offset = filter == PositionResize.Bicubic ? tap - 1 : tap;
                indices[(target * taps) + tap] = Math.Clamp(floor + offset, 0, size - 1);
                weights[(target * taps) + tap] = filter == PositionResize.Bicubic ? Cubic(Math.Abs(fraction - offset)) : 1 - Math.Abs(fraction - offset);
            }
        }

        return (indices, weights);
    }

    private static double Cubic(double distance) => distance <= 1
        ? ((((A + 2) * distance) - (A + 3)) * distance * distance) + 1
        : A * (((((distance - 5) * distance) + 8) * distance) - 4);
}
