namespace BinaryAttention.Formats.Images;

/// <summary>
/// Turns a picture into a network's input as torchvision's evaluation transforms do: the shorter side to <see cref="ResizeShorterSide"/> and the longer one
/// in proportion (truncated), a square of <see cref="CropSize"/> from the middle (margins halved, halves rounded to even), then
/// <c>(byte / 255 - mean) / standardDeviation</c> per channel. Smaller pictures are enlarged first, so the crop always fits and nothing is padded.
/// </summary>
public sealed record ImagePreprocessing
{
    // The share of the resized shorter side that the crop keeps in DeiT's evaluation: 224 of 256.
    private const double EvaluationCropRatio = 0.875;

    private static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] ImageNetStandardDeviation = [0.229f, 0.224f, 0.225f];

    private readonly float[] _mean;
    private readonly float[] _standardDeviation;

    // [3, 256]: the input value of every byte of every channel.
    private readonly float[] _normalized;

    /// <summary>Describes a preprocessing. The defaults are those of DeiT and most ImageNet models at 224 x 224.</summary>
    /// <param name="resizeShorterSide">Pixels of the shorter side before cropping, at least <paramref name="cropSize"/>.</param>
    /// <param name="cropSize">Pixels a side of the square that is kept, at least 1.</param>
    /// <param name="mean">Mean of red, green and blue in units of 0..1; ImageNet's .485, .456, .406 if null.</param>
    /// <param name="standardDeviation">Standard deviation of the channels in the same units, above 0; ImageNet's .229, .224, .225 if null.</param>
    /// <param name="filter">The interpolation kernel of the resize.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, the crop is larger than the resized shorter side, or the filter is unknown.</exception>
    /// <exception cref="ArgumentException">A mean or deviation has not three finite values, or a deviation is not above 0.</exception>
    public ImagePreprocessing(
        int resizeShorterSide = 256, int cropSize = 224, IReadOnlyList<float>? mean = null, IReadOnlyList<float>? standardDeviation = null, ResizeFilter filter = ResizeFilter.Bicubic)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cropSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cropSize, MaxCropSize);
        if (cropSize > resizeShorterSide)
        {
            throw new ArgumentOutOfRangeException(
                nameof(cropSize), cropSize, $"The crop of {cropSize} pixels does not fit into a shorter side of {resizeShorterSide}. Raise resizeShorterSide to {cropSize} or more, or lower cropSize.");
        }

        if (filter is not (ResizeFilter.Bilinear or ResizeFilter.Bicubic))
        {
            throw new ArgumentOutOfRangeException(nameof(filter), filter, "The filter must be Bilinear or Bicubic.");
        }

        _mean = CheckedCopy(mean ?? ImageNetMean, nameof(mean));
        _standardDeviation = CheckedCopy(standardDeviation ?? ImageNetStandardDeviation, nameof(standardDeviation));
        if (Array.Exists(_standardDeviation, static value => value <= 0))
        {
            throw new ArgumentException($"standardDeviation is ({string.Join(", ", _standardDeviation)}); every value must be above 0, the pixels are divided by it.", nameof(standardDeviation));
        }

        ResizeShorterSide = resizeShorterSide;
        CropSize = cropSize;
        Filter = filter;
        _normalized = new float[3 * 256];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int value = 0; value < 256; value++)
            {
                // float32 at every step, as the tensors of the reference pipeline.
                _normalized[256 * channel + value] = (value / 255f - _mean[channel]) / _standardDeviation[channel];
            }
        }
    }

    /// <summary>The largest <see cref="CropSize"/>: 3 * size * size values fit into an array.</summary>
    public static int MaxCropSize => 16_384;

    /// <summary>DeiT's evaluation at 224 x 224: shorter side 256, bicubic, ImageNet mean and deviation.</summary>
    public static ImagePreprocessing DeiT { get; } = new();

    /// <summary>Pixels of the shorter side before cropping.</summary>
    public int ResizeShorterSide { get; }

    /// <summary>Pixels a side of the square that is kept.</summary>
    public int CropSize { get; }

    /// <summary>Mean of red, green and blue, in units of 0..1.</summary>
    public IReadOnlyList<float> Mean => Array.AsReadOnly(_mean);

    /// <summary>Standard deviation of red, green and blue, in units of 0..1.</summary>
    public IReadOnlyList<float> StandardDeviation => Array.AsReadOnly(_standardDeviation);

    /// <summary>The interpolation kernel of the resize.</summary>
    public ResizeFilter Filter { get; }

    /// <summary>Number of values <see cref="Apply(RgbImage)"/> gives: <c>3 * CropSize * CropSize</c>.</summary>
    public int ValueCount => 3 * CropSize * CropSize;

    /// <summary>DeiT's evaluation for square inputs of another size: the shorter side is <c>int(imageSize / 0.875)</c>, 256 for 224 and 438 for 384.</summary>
    /// <param name="imageSize">Pixels a side of the network's input.</param>
    /// <returns>The preprocessing with ImageNet mean and deviation and bicubic interpolation.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="imageSize"/> is below 1 or beyond <see cref="MaxCropSize"/>.</exception>
    public static ImagePreprocessing ForImageSize(int imageSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(imageSize, MaxCropSize);
        return new ImagePreprocessing((int)(imageSize / EvaluationCropRatio), imageSize);
    }

    /// <summary>Preprocesses a picture.</summary>
    /// <param name="image">The picture, of any size.</param>
    /// <returns>The network's input, <c>[3, CropSize, CropSize]</c>: the red plane, the green one, the blue one.</returns>
    /// <exception cref="ArgumentException">The picture is so elongated that its longer side would pass 2^31 pixels after resizing.</exception>
    public float[] Apply(RgbImage image)
    {
        var destination = new float[ValueCount];
        Apply(image, destination);
        return destination;
    }

    /// <summary>Preprocesses a picture into memory of the caller, for example one entry of a batch.</summary>
    /// <param name="image">The picture, of any size.</param>
    /// <param name="destination">Exactly <see cref="ValueCount"/> values, filled as <c>[3, CropSize, CropSize]</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length, or the picture's longer side would pass 2^31 pixels after resizing.</exception>
    public void Apply(RgbImage image, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (destination.Length != ValueCount)
        {
            throw new ArgumentException($"destination has {destination.Length} values; 3 x {CropSize} x {CropSize} = {ValueCount} are needed.", nameof(destination));
        }

        (int width, int height) = ResizedSize(image.Width, image.Height);
        RgbImage crop = ImageResizer.ResizeWindow(image, width, height, Filter, CropOffset(width), CropOffset(height), CropSize, CropSize);
        int planeLength = CropSize * CropSize;
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<float> normalized = _normalized.AsSpan(256 * channel, 256);
            Span<float> plane = destination.Slice(planeLength * channel, planeLength);
            int source = channel;
            for (int i = 0; i < plane.Length; i++)
            {
                plane[i] = normalized[crop.Pixels[source]];
                source += 3;
            }
        }
    }

    /// <summary>Equal sizes, filter, means and deviations.</summary>
    /// <param name="other">The other preprocessing.</param>
    /// <returns>Whether both turn every picture into the same values.</returns>
    public bool Equals(ImagePreprocessing? other) =>
        other is not null
        && ResizeShorterSide == other.ResizeShorterSide
        && CropSize == other.CropSize
        && Filter == other.Filter
        && _mean.AsSpan().SequenceEqual(other._mean)
        && _standardDeviation.AsSpan().SequenceEqual(other._standardDeviation);

    /// <summary>A hash over the same values as <see cref="Equals(ImagePreprocessing?)"/>.</summary>
    /// <returns>The hash code.</returns>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(ResizeShorterSide);
        hash.Add(CropSize);
        hash.Add(Filter);
        for (int channel = 0; channel < 3; channel++)
        {
            hash.Add(_mean[channel]);
            hash.Add(_standardDeviation[channel]);
        }

        return hash.ToHashCode();
    }

    /// <summary>Width and height after the resize and before the crop.</summary>
    internal (int Width, int Height) ResizedSize(int width, int height)
    {
        long longer = (long)ResizeShorterSide * Math.Max(width, height) / Math.Min(width, height);
        if (longer > int.MaxValue)
        {
            throw new ArgumentException($"The picture of {width} x {height} pixels is too elongated: with a shorter side of {ResizeShorterSide} the longer one would have {longer} pixels.", nameof(width));
        }

        return width <= height ? (ResizeShorterSide, (int)longer) : ((int)longer, ResizeShorterSide);
    }

    /// <summary>First row or column of the crop: half the margin, a half pixel rounded to the even neighbour.</summary>
    internal int CropOffset(int size) => (int)Math.Round((size - CropSize) / 2.0, MidpointRounding.ToEven);

    private static float[] CheckedCopy(IReadOnlyList<float> values, string name)
    {
        if (values.Count != 3)
        {
            throw new ArgumentException($"{name} has {values.Count} values; one each for red, green and blue is needed.", name);
        }

        float[] copy = [.. values];
        if (!Array.TrueForAll(copy, float.IsFinite))
        {
            throw new ArgumentException($"{name} is ({string.Join(", ", copy)}); the values must be finite.", name);
        }

        return copy;
    }
}
