// Random windows of a picture. Resized crop: Szegedy et al. 2015 as torchvision draws it (area share and logarithm of the aspect ratio uniform, ten attempts, then the centre);
// padded crop: He et al. 2016 for small pictures.
namespace BinaryAttention.Models.Training.Data.Augmentation;

internal static class Cropping
{
    private const int Attempts = 10;

    /// <summary>A window of random area and aspect ratio, resized to the given sides.</summary>
    public static ByteImage RandomResized(ByteImage image, int width, int height, double smallestShare, double largestShare, double smallestRatio, double largestRatio, ref RandomStream random)
    {
        (int left, int top, int cropWidth, int cropHeight) = Window(image.Width, image.Height, smallestShare, largestShare, smallestRatio, largestRatio, ref random);
        return image.Crop(left, top, cropWidth, cropHeight).Resize(width, height);
    }

    /// <summary>The window alone: left, top, width, height.</summary>
    public static (int Left, int Top, int Width, int Height) Window(int width, int height, double smallestShare, double largestShare, double smallestRatio, double largestRatio, ref RandomStream random)
    {
        double area = (double)width * height, lowest = Math.Log(smallestRatio), highest = Math.Log(largestRatio);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double target = area * (smallestShare + ((largestShare - smallestShare) * random.NextDouble()));
            double ratio = Math.Exp(lowest + ((highest - lowest) * random.NextDouble()));
            int cropWidth = (int)Math.Round(Math.Sqrt(target * ratio)), cropHeight = (int)Math.Round(Math.Sqrt(target / ratio));
            if (cropWidth >= 1 && cropHeight >= 1 && cropWidth <= width && cropHeight <= height)
            {
                return (random.NextInt(width - cropWidth + 1), random.NextInt(height - cropHeight + 1), cropWidth, cropHeight);
            }
        }

        // The largest window in the centre whose ratio is allowed.
        double own = (double)width / height;
        int w = own > largestRatio ? Math.Clamp((int)Math.Round(height * largestRatio), 1, width) : width;
        int h = own < smallestRatio ? Math.Clamp((int)Math.Round(width / smallestRatio), 1, height) : height;
        return ((width - w) / 2, (height - h) / 2, w, h);
    }

    /// <summary>The picture moved by up to <paramref name="padding"/> pixels along both axes; what comes in from outside has the fill's levels.</summary>
    public static ByteImage RandomPadded(ByteImage image, int padding, ReadOnlySpan<byte> fill, ref RandomStream random)
    {
        int left = random.NextInt((2 * padding) + 1) - padding, top = random.NextInt((2 * padding) + 1) - padding;
        return Shift(image, left, top, fill);
    }

    /// <summary>The window of the picture's own size that begins at (left, top), which may lie outside.</summary>
    public static ByteImage Shift(ByteImage image, int left, int top, ReadOnlySpan<byte> fill)
    {
        int channels = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                int sourceX = x + left, sourceY = y + top;
                bool isInside = sourceX >= 0 && sourceX < image.Width && sourceY >= 0 && sourceY < image.Height;
                for (int channel = 0; channel < channels; channel++)
                {
                    pixels[(((y * image.Width) + x) * channels) + channel] = isInside ? image[sourceY, sourceX, channel] : fill[channel];
                }
            }
        }

        return new ByteImage(image.Width, image.Height, channels, pixels);
    }

    /// <summary>Left and right exchanged.</summary>
    public static ByteImage Flip(ByteImage image)
    {
        int channels = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                image.Pixels.AsSpan(((y * image.Width) + image.Width - 1 - x) * channels, channels).CopyTo(pixels.AsSpan(((y * image.Width) + x) * channels, channels));
            }
        }

        return new ByteImage(image.Width, image.Height, channels, pixels);
    }
}
