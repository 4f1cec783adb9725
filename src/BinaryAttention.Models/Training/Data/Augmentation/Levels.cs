// Operations on grey levels, with the rounding of Pillow (ImageOps, ImageEnhance): a factor of 1 changes nothing, 0 gives the degenerate picture (black, mean grey, grey, smooth).
namespace BinaryAttention.Models.Training.Data.Augmentation;

internal static class Levels
{
    public static ByteImage Invert(ByteImage image) => Map(image, static (level, _) => (byte)(255 - level));

    /// <summary>Inverts levels from the threshold on.</summary>
    public static ByteImage Solarize(ByteImage image, int threshold) => Map(image, (level, _) => level < threshold ? level : (byte)(255 - level));

    /// <summary>Adds to levels below 128, up to 255.</summary>
    public static ByteImage SolarizeAdd(ByteImage image, int addition) => Map(image, (level, _) => level < 128 ? (byte)Math.Min(255, level + addition) : level);

    /// <summary>Keeps the upper bits, 0 to 8 of them.</summary>
    public static ByteImage Posterize(ByteImage image, int bits) => Map(image, (level, _) => (byte)(level & ~((1 << (8 - bits)) - 1)));

    /// <summary>Stretches every channel to 0..255.</summary>
    public static ByteImage AutoContrast(ByteImage image)
    {
        byte[][] tables = Tables(image, static histogram =>
        {
            int low = Array.FindIndex(histogram, static count => count > 0), high = Array.FindLastIndex(histogram, static count => count > 0);
            double scale = high > low ? 255.0 / (high - low) : 1, offset = high > low ? -low * scale : 0;
            return level => (byte)Math.Clamp((int)((level * scale) + offset), 0, 255);
        });
        return Map(image, (level, channel) => tables[channel][level]);
    }

    /// <summary>Makes the histogram of every channel as even as it can be.</summary>
    public static ByteImage Equalize(ByteImage image)
    {
        byte[][] tables = Tables(image, static histogram =>
        {
            int last = Array.FindLastIndex(histogram, static count => count > 0);
            int step = (histogram.Sum() - histogram[last]) / 255;
            if (step == 0)
            {
                return static level => (byte)level;
            }

            var table = new byte[256];
            int below = step / 2;
            for (int level = 0; level < 256; level++)
            {
                table[level] = (byte)Math.Min(255, below / step);
                below += histogram[level];
            }

            return level => table[level];
        });
        return Map(image, (level, channel) => tables[channel][level]);
    }

    public static ByteImage Brightness(ByteImage image, double factor) => Map(image, (level, _) => Blend(0, level, factor));

    public static ByteImage Contrast(ByteImage image, double factor)
    {
        long sum = 0;
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            sum += Grey(image, i);
        }

        byte mean = (byte)(((double)sum / (image.Width * image.Height)) + 0.5);
        return Map(image, (level, _) => Blend(mean, level, factor));
    }

    /// <summary>Saturation; nothing changes in a grey picture.</summary>
    public static ByteImage Colour(ByteImage image, double factor)
    {
        if (image.Channels == 1)
        {
            return image;
        }

        var pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            byte grey = Grey(image, i);
            for (int channel = 0; channel < 3; channel++)
            {
                pixels[(3 * i) + channel] = Blend(grey, image.Pixels[(3 * i) + channel], factor);
            }
        }

        return new ByteImage(image.Width, image.Height, 3, pixels);
    }

    /// <summary>Blends with the picture smoothed by the 3 x 3 kernel of ones with 5 in the centre; the border is not smoothed.</summary>
    public static ByteImage Sharpness(ByteImage image, double factor)
    {
        int channels = image.Channels;
        var pixels = (byte[])image.Pixels.Clone();
        for (int y = 1; y < image.Height - 1; y++)
        {
            for (int x = 1; x < image.Width - 1; x++)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    int sum = 4 * image[y, x, channel];
                    for (int i = 0; i < 9; i++)
                    {
                        sum += image[y - 1 + (i / 3), x - 1 + (i % 3), channel];
                    }

                    pixels[(((y * image.Width) + x) * channels) + channel] = Blend((byte)((sum / 13.0) + 0.5), image[y, x, channel], factor);
                }
            }
        }

        return new ByteImage(image.Width, image.Height, channels, pixels);
    }

    private static byte Blend(byte degenerate, byte level, double factor) => (byte)Math.Clamp(degenerate + (factor * (level - degenerate)), 0, 255);

    // ITU-R 601 in 16-bit fixed point.
    private static byte Grey(ByteImage image, int pixel) => image.Channels == 1
        ? image.Pixels[pixel]
        : (byte)(((image.Pixels[3 * pixel] * 19595) + (image.Pixels[(3 * pixel) + 1] * 38470) + (image.Pixels[(3 * pixel) + 2] * 7471) + 0x8000) >> 16);

    private static ByteImage Map(ByteImage image, Func<byte, int, byte> map)
    {
        var pixels = new byte[image.Pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = map(image.Pixels[i], i % image.Channels);
        }

        return new ByteImage(image.Width, image.Height, image.Channels, pixels);
    }

    private static byte[][] Tables(ByteImage image, Func<int[], Func<int, byte>> create)
    {
        var tables = new byte[image.Channels][];
        for (int channel = 0; channel < tables.Length; channel++)
        {
            var histogram = new int[256];
            for (int i = channel; i < image.Pixels.Length; i += image.Channels)
            {
                histogram[image.Pixels[i]]++;
            }

            tables[channel] = [.. Enumerable.Range(0, 256).Select(create(histogram))];
        }

        return tables;
    }
}
