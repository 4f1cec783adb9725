namespace BinaryAttention.Formats.Datasets;

/// <summary>Grey pictures of one size with class indices, from the pair of IDX files that MNIST and its successors come as.</summary>
public sealed class LabelledIdxImages
{
    private readonly ReadOnlyMemory<byte> _pixels;
    private readonly ReadOnlyMemory<byte> _labels;

    private LabelledIdxImages(IdxArray images, IdxArray labels)
    {
        _pixels = images.Values;
        _labels = labels.Values;
        (Count, Height, Width) = (images.Shape[0], images.Shape[1], images.Shape[2]);
    }

    /// <summary>How many pictures there are, at least one.</summary>
    public int Count { get; }

    /// <summary>Rows of pixels.</summary>
    public int Height { get; }

    /// <summary>Columns of pixels.</summary>
    public int Width { get; }

    /// <summary>Reads both files whole.</summary>
    /// <param name="imagesPath">An array [pictures, height, width] of grey levels.</param>
    /// <param name="labelsPath">An array [pictures] of class indices.</param>
    /// <param name="limits">What each may ask for; <see cref="IdxLimits.Default"/> if null.</param>
    /// <exception cref="FileFormatException">A file is damaged or beyond the limits, has another number of dimensions, or the two differ in length.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static LabelledIdxImages Open(string imagesPath, string labelsPath, IdxLimits? limits = null)
    {
        IdxArray images = IdxArray.Read(imagesPath, limits), labels = IdxArray.Read(labelsPath, limits);
        if (images.Shape.Count != 3 || images.Shape.Contains(0))
        {
            throw new FileFormatException(imagesPath, $"the array is [{string.Join(", ", images.Shape)}]; pictures of [count, height, width], none of them 0, are expected. Check that pictures and labels are not swapped.");
        }

        if (labels.Shape.Count != 1 || labels.Shape[0] != images.Shape[0])
        {
            throw new FileFormatException(labelsPath, $"the array is [{string.Join(", ", labels.Shape)}]; one label for each of the {images.Shape[0]} pictures of {imagesPath} is expected.");
        }

        return new LabelledIdxImages(images, labels);
    }

    /// <summary>The grey levels of a picture, row by row: 0 is the background of MNIST, 255 the ink.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture.</exception>
    public ReadOnlySpan<byte> Pixels(int index) => _pixels.Span.Slice(Checked(index) * Height * Width, Height * Width);

    /// <summary>The class index of a picture.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture.</exception>
    public int Label(int index) => _labels.Span[Checked(index)];

    /// <summary>A picture as a network takes it: <c>(level / 255 - mean) / deviation</c>, <c>[1, Height, Width]</c>.</summary>
    /// <param name="index">The picture, from 0.</param>
    /// <param name="mean">Mean grey level in units of 0..1; 0.1307 over the training digits of MNIST.</param>
    /// <param name="standardDeviation">Its standard deviation, above 0; 0.3081 over the training digits of MNIST.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such picture, or a number is not finite or the deviation not above 0.</exception>
    public float[] Normalized(int index, float mean = 0.1307f, float standardDeviation = 0.3081f)
    {
        if (!float.IsFinite(mean))
        {
            throw new ArgumentOutOfRangeException(nameof(mean), mean, "Expected a finite number.");
        }

        if (!float.IsFinite(standardDeviation) || standardDeviation <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(standardDeviation), standardDeviation, "Expected a finite number above 0.");
        }

        ReadOnlySpan<byte> levels = Pixels(index);
        var values = new float[levels.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ((levels[i] / 255f) - mean) / standardDeviation;
        }

        return values;
    }

    private int Checked(int index) => index >= 0 && index < Count ? index : throw new ArgumentOutOfRangeException(nameof(index), index, $"Expected 0 to {Count - 1}.");
}
