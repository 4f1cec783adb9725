namespace BinaryAttention.Formats.Images;

/// <summary>
/// Antialiased separable resizing, rows first, then columns, with the weights of <see cref="ResampleTaps"/>. The 8-bit form is bit-exact to Pillow's
/// <c>Image.resize</c> (22-bit fixed-point weights, the intermediate rounded and clipped to 8 bits); the float form rounds nothing and clips nothing.
/// A pass whose size does not change is skipped.
/// </summary>
public static class ImageResizer
{
    /// <summary>Resizes an 8-bit picture.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="width">Pixels per row of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="filter">The interpolation kernel.</param>
    /// <returns>A picture of <paramref name="width"/> x <paramref name="height"/> pixels; <paramref name="image"/> itself if it has that size already.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1, the result would not fit into an array, or the filter is unknown.</exception>
    public static RgbImage Resize(RgbImage image, int width, int height, ResizeFilter filter)
    {
        ArgumentNullException.ThrowIfNull(image);
        CheckSize(width, height, 3, image.Height);
        return ResizeWindow(image, width, height, filter, 0, 0, width, height);
    }

    /// <summary>Resizes float32 pixels of any number of interleaved channels; a single plane has one channel.</summary>
    /// <param name="source">The pixels, <c>[sourceHeight, sourceWidth, channelCount]</c>, in any unit. A NaN spreads to every result that its pixel reaches.</param>
    /// <param name="sourceWidth">Pixels per row of <paramref name="source"/>.</param>
    /// <param name="sourceHeight">Rows of <paramref name="source"/>.</param>
    /// <param name="channelCount">Values per pixel.</param>
    /// <param name="width">Pixels per row of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="filter">The interpolation kernel.</param>
    /// <returns>The pixels, <c>[height, width, channelCount]</c>, neither rounded nor clipped.</returns>
    /// <exception cref="ArgumentException"><paramref name="source"/> has another length than its sides and channels say.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side or the channel count is below 1, the result would not fit into an array, or the filter is unknown.</exception>
    public static float[] Resize(ReadOnlySpan<float> source, int sourceWidth, int sourceHeight, int channelCount, int width, int height, ResizeFilter filter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channelCount, 1);
        CheckFilter(filter);
        if (source.Length != (Int128)sourceWidth * sourceHeight * channelCount)
        {
            throw new ArgumentException(
                $"source has {source.Length} values; {sourceHeight} rows of {sourceWidth} pixels with {channelCount} channels need {(Int128)sourceWidth * sourceHeight * channelCount}.",
                nameof(source));
        }

        CheckSize(width, height, channelCount, sourceHeight);
        return FloatResampling.Resize(source, sourceWidth, sourceHeight, channelCount, width, height, filter);
    }

    /// <summary>
    /// Resizes to <paramref name="width"/> x <paramref name="height"/> but computes only the window given, with the same bits as a full resize and a crop.
    /// Memory and time follow the window, not the full size, which for a sliver of a picture may be gigabytes.
    /// </summary>
    internal static RgbImage ResizeWindow(RgbImage image, int width, int height, ResizeFilter filter, int left, int top, int windowWidth, int windowHeight)
    {
        CheckFilter(filter);
        if (width == image.Width && height == image.Height && windowWidth == width && windowHeight == height)
        {
            return image;
        }

        ResampleTaps? columns = width == image.Width ? null : ResampleTaps.Create(image.Width, width, left, windowWidth, filter);
        ResampleTaps? rows = height == image.Height ? null : ResampleTaps.Create(image.Height, height, top, windowHeight, filter);
        int firstRow = rows?.SourceStart ?? top;
        int rowCount = (rows?.SourceEnd ?? (top + windowHeight)) - firstRow;

        var narrowed = new byte[3L * windowWidth * rowCount];
        if (columns is null)
        {
            ByteResampling.CopyColumns(image, firstRow, rowCount, left, windowWidth, narrowed);
        }
        else
        {
            ByteResampling.Horizontal(image, firstRow, rowCount, columns, narrowed);
        }

        if (rows is null)
        {
            return new RgbImage(windowWidth, windowHeight, narrowed);
        }

        var pixels = new byte[3L * windowWidth * windowHeight];
        ByteResampling.Vertical(narrowed, 3 * windowWidth, firstRow, rows, pixels);
        return new RgbImage(windowWidth, windowHeight, pixels);
    }

    private static void CheckFilter(ResizeFilter filter)
    {
        if (filter is not (ResizeFilter.Bilinear or ResizeFilter.Bicubic))
        {
            throw new ArgumentOutOfRangeException(nameof(filter), filter, "The filter must be Bilinear or Bicubic.");
        }
    }

    private static void CheckSize(int width, int height, int channelCount, int sourceHeight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        Int128 largest = (Int128)width * Math.Max(height, sourceHeight) * channelCount;
        if (largest > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(width), width, $"{width} x {height} pixels of {channelCount} channels (from {sourceHeight} rows) need {largest} values; an array holds at most {Array.MaxLength}.");
        }
    }
}
