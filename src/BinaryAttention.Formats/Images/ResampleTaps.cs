namespace BinaryAttention.Formats.Images;

/// <summary>
/// The weights of one resampling pass. Output position i is the weighted sum of source positions First[i] .. First[i] + Count[i] - 1 with
/// weights w(j) = filter((j - center + 0.5) / stretch) / sum, where scale = sourceSize / destinationSize, stretch = max(scale, 1), center = (i + 0.5) * scale
/// and the taps reach int(center +- radius * stretch + 0.5), cut at the picture's edges. This is the convention of Pillow's and torchvision's antialiased resize.
/// Only a window of the output positions is prepared, so a crop costs no more than what it shows.
/// </summary>
internal sealed class ResampleTaps
{
    /// <summary>Fractional bits of the weights in <see cref="FixedPoint"/>.</summary>
    public const int FixedPointBits = 22;

    private ResampleTaps(int outputCount, int stride)
    {
        First = new int[outputCount];
        Count = new int[outputCount];
        Weights = new double[(long)outputCount * stride];
        Stride = stride;
    }

    /// <summary>First source position per output position of the window.</summary>
    public int[] First { get; }

    /// <summary>Number of source positions per output position.</summary>
    public int[] Count { get; }

    /// <summary>Weights, <see cref="Stride"/> places per output position, summing to 1.</summary>
    public double[] Weights { get; }

    /// <summary>Places per output position in <see cref="Weights"/>.</summary>
    public int Stride { get; }

    /// <summary>Number of output positions in the window.</summary>
    public int OutputCount => First.Length;

    /// <summary>First source position any output position needs. The centres ascend, so this is the first one's.</summary>
    public int SourceStart => First[0];

    /// <summary>One past the last source position any output position needs.</summary>
    public int SourceEnd => First[^1] + Count[^1];

    /// <summary>Prepares output positions <paramref name="start"/> .. <paramref name="start"/> + <paramref name="count"/> - 1 of <paramref name="destinationSize"/>.</summary>
    public static ResampleTaps Create(int sourceSize, int destinationSize, int start, int count, ResizeFilter filter)
    {
        double scale = (double)sourceSize / destinationSize;
        double stretch = Math.Max(scale, 1.0);
        double radius = (filter == ResizeFilter.Bicubic ? 2.0 : 1.0) * stretch;

        // No more taps than source positions: at extreme reductions the radius alone would ask for twice as many.
        int stride = (int)Math.Min(2.0 * Math.Ceiling(radius) + 1.0, sourceSize);
        var taps = new ResampleTaps(count, stride);
        for (int i = 0; i < count; i++)
        {
            double center = (start + i + 0.5) * scale;
            int first = (int)Math.Max(center - radius + 0.5, 0.0);
            int end = (int)Math.Min(center + radius + 0.5, sourceSize);
            Span<double> weights = taps.Weights.AsSpan(i * stride, end - first);
            double sum = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] = Evaluate(filter, (k + first - center + 0.5) * (1.0 / stretch));
                sum += weights[k];
            }

            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] /= sum;
            }

            taps.First[i] = first;
            taps.Count[i] = end - first;
        }

        return taps;
    }

    /// <summary>
    /// The weights as multiples of 2^-22, rounded half away from zero. |weights| sum to at most about 1.3, so 255 * sum + 2^21 stays near 1.4e9 and
    /// 32-bit accumulators cannot overflow.
    /// </summary>
    public int[] FixedPoint()
    {
        var result = new int[Weights.Length];
        for (int i = 0; i < result.Length; i++)
        {
            double scaled = Weights[i] * (1 << FixedPointBits);
            result[i] = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
        }

        return result;
    }

    private static double Evaluate(ResizeFilter filter, double x)
    {
        x = Math.Abs(x);
        if (filter == ResizeFilter.Bilinear)
        {
            return x < 1.0 ? 1.0 - x : 0.0;
        }

        // Keys, "Cubic convolution interpolation" (1981), a = -0.5.
        const double a = -0.5;
        if (x < 1.0)
        {
            return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
        }

        return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
    }
}
