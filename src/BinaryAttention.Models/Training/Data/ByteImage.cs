// A picture on its way into a batch: bytes [height, width, channels], one channel (grey) or three (red, green, blue). Augmentations make new ones and change none.
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Models.Training.Data;

internal sealed class ByteImage
{
    public ByteImage(int width, int height, int channels, byte[] pixels)
    {
        if (pixels.LongLength != (long)width * height * channels || channels is not (1 or 3) || width < 1 || height < 1)
        {
            throw new ArgumentException($"pixels has {pixels.LongLength} bytes; {height} x {width} pixels of 1 or 3 channels are expected, {channels} were given.", nameof(pixels));
        }

        (Width, Height, Channels, Pixels) = (width, height, channels, pixels);
    }

    public int Width { get; }

    public int Height { get; }

    public int Channels { get; }

    public byte[] Pixels { get; }

    public byte this[int y, int x, int channel] => Pixels[(((y * Width) + x) * Channels) + channel];

    public static ByteImage FromRgb(RgbImage image) => new(image.Width, image.Height, 3, image.Pixels);

    /// <summary>The same picture as three channels; grey is repeated.</summary>
    public RgbImage ToRgb()
    {
        if (Channels == 3)
        {
            return new RgbImage(Width, Height, Pixels);
        }

        var pixels = new byte[3 * Pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = Pixels[i / 3];
        }

        return new RgbImage(Width, Height, pixels);
    }

    /// <summary>A rectangle of the picture.</summary>
    public ByteImage Crop(int left, int top, int width, int height)
    {
        var pixels = new byte[width * height * Channels];
        int row = width * Channels;
        for (int y = 0; y < height; y++)
        {
            Pixels.AsSpan((((top + y) * Width) + left) * Channels, row).CopyTo(pixels.AsSpan(y * row, row));
        }

        return new ByteImage(width, height, Channels, pixels);
    }

    /// <summary>Bicubic resizing as Pillow does it; grey by way of three equal channels, which gives the same bytes.</summary>
    public ByteImage Resize(int width, int height)
    {
        if (width == Width && height == Height)
        {
            return this;
        }

        RgbImage resized = ImageResizer.Resize(ToRgb(), width, height, ResizeFilter.Bicubic);
        if (Channels == 3)
        {
            return FromRgb(resized);
        }

        var grey = new byte[width * height];
        for (int i = 0; i < grey.Length; i++)
        {
            grey[i] = resized.Pixels[3 * i];
        }

        return new ByteImage(width, height, 1, grey);
    }
}
