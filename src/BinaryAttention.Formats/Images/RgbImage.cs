namespace BinaryAttention.Formats.Images;

/// <summary>An 8-bit RGB picture: <see cref="Height"/> rows of <see cref="Width"/> pixels of three bytes (red, green, blue), row-major, no padding.</summary>
public sealed class RgbImage
{
    /// <summary>Creates a picture over the given bytes, which it keeps (it does not copy).</summary>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">Exactly <c>3 * width * height</c> bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1.</exception>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has another length.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (pixels.LongLength != 3L * width * height)
        {
            throw new ArgumentException($"pixels has {pixels.LongLength} bytes; a {width} x {height} RGB picture needs {3L * width * height}.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>Number of rows.</summary>
    public int Height { get; }

    /// <summary>The bytes, <c>[Height, Width, 3]</c>.</summary>
    public byte[] Pixels { get; }
}
