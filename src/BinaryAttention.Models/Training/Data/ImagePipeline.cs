// From a stored picture to the normalised values of a network, [channels, height, width]: for training with every augmentation, for validation as `binattn evaluate` reads pictures.
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Training.Data.Augmentation;

namespace BinaryAttention.Models.Training.Data;

internal sealed class ImagePipeline
{
    private readonly AugmentationOptions _augmentation;
    private readonly float[] _mean, _deviation;
    private readonly byte[] _fill;
    private readonly ImagePreprocessing? _photographs;
    private readonly bool _takesSizeAsItIs;

    /// <summary>The way of pictures into a network.</summary>
    /// <param name="imageSize">Pixels a side of the network's input.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="mean">Mean of each channel, units of 0..1.</param>
    /// <param name="deviation">Deviation of each channel, likewise.</param>
    /// <param name="augmentation">What is done to training pictures.</param>
    /// <param name="takesSizeAsItIs">Whether pictures of the input's size are taken as they are: digits and small pictures. Photographs are resized and cropped at any size, as `binattn evaluate` does.</param>
    public ImagePipeline(int imageSize, int channels, float[] mean, float[] deviation, AugmentationOptions augmentation, bool takesSizeAsItIs = true)
    {
        _takesSizeAsItIs = takesSizeAsItIs;
        (Size, Channels, _mean, _deviation, _augmentation) = (imageSize, channels, mean, deviation, augmentation);
        _fill = [.. mean.Select(static level => (byte)Math.Clamp(MathF.Round(255 * level), 0, 255))];
        _photographs = channels == 3 ? new ImagePreprocessing(ImagePreprocessing.ForImageSize(imageSize).ResizeShorterSide, imageSize, mean, deviation) : null;
    }

    /// <summary>Pixels a side.</summary>
    public int Size { get; }

    public int Channels { get; }

    /// <summary>Values of one picture.</summary>
    public int Length => Channels * Size * Size;

    /// <summary>The picture as it is measured on.</summary>
    public void Measure(ByteImage image, Span<float> destination)
    {
        if (IsInSize(image))
        {
            Normalise(image, destination);
        }
        else
        {
            Photographs(image).Apply(image.ToRgb(), destination);
        }
    }

    /// <summary>The picture as it is trained on; the same decisions give the same bits.</summary>
    public void Train(ByteImage image, ref RandomStream random, Span<float> destination)
    {
        AugmentationOptions how = _augmentation;
        if (how.ResizedCrop)
        {
            image = Cropping.RandomResized(image, Size, Size, how.SmallestShare, how.LargestShare, how.SmallestRatio, how.LargestRatio, ref random);
        }
        else if (!IsInSize(image))
        {
            image = CentreCrop(image);
        }

        // Every switched-on step draws the same count of numbers whatever they are, so that one step does not disturb the next.
        if (how.Rotation > 0 || how.Zoom > 0 || how.Shear > 0)
        {
            double degrees = random.NextDouble(-how.Rotation, how.Rotation), scale = random.NextDouble(1 - how.Zoom, 1 + how.Zoom), shear = random.NextDouble(-how.Shear, how.Shear);
            image = Affine.About(image, degrees, scale, shear).Apply(image, Border(image));
        }

        if (how.CropPadding > 0)
        {
            image = Cropping.RandomPadded(image, how.CropPadding, Border(image), ref random);
        }

        if (how.Flip > 0 && random.NextBool(how.Flip))
        {
            image = Cropping.Flip(image);
        }

        if (how.RandAugmentOperations > 0)
        {
            image = RandAugment.Apply(image, how.RandAugmentOperations, how.RandAugmentMagnitude, how.RandAugmentDeviation, _fill, ref random);
        }

        if (how.ColourJitter > 0)
        {
            image = Jitter(image, how.ColourJitter, ref random);
        }

        Normalise(image, destination);
        if (how.Erasing > 0)
        {
            RandomErasing.Apply(destination, Channels, Size, Size, how.Erasing, ref random);
        }
    }

    private bool IsInSize(ByteImage image) => _takesSizeAsItIs && image.Width == Size && image.Height == Size && image.Channels == Channels;

    private ImagePreprocessing Photographs(ByteImage image) => _photographs
        ?? throw new ArgumentException($"A picture has {image.Height} x {image.Width} pixels of {image.Channels} channels; the model takes {Size} x {Size} of {Channels}. Grey pictures are not resized: set model.imageSize to the pictures' size.");

    private ByteImage CentreCrop(ByteImage image)
    {
        int shorter = Photographs(image).ResizeShorterSide;
        double scale = (double)shorter / Math.Min(image.Width, image.Height);
        ByteImage resized = image.Resize(Math.Max(shorter, (int)(image.Width * scale)), Math.Max(shorter, (int)(image.Height * scale)));
        ByteImage cropped = resized.Crop((resized.Width - Size) / 2, (resized.Height - Size) / 2, Size, Size);
        return cropped.Channels == Channels ? cropped : ByteImage.FromRgb(cropped.ToRgb());
    }

    // Grey pictures are drawings on an even ground (digits): what comes in is the ground, the level of the corner. Photographs get their mean colour.
    private byte[] Border(ByteImage image) => Channels == 1 ? [image.Pixels[0]] : _fill;

    private static ByteImage Jitter(ByteImage image, double strength, ref RandomStream random)
    {
        double brightness = random.NextDouble(Math.Max(0, 1 - strength), 1 + strength), contrast = random.NextDouble(Math.Max(0, 1 - strength), 1 + strength), colour = random.NextDouble(Math.Max(0, 1 - strength), 1 + strength);
        foreach (int operation in random.Permutation(3))
        {
            image = operation switch { 0 => Levels.Brightness(image, brightness), 1 => Levels.Contrast(image, contrast), _ => Levels.Colour(image, colour) };
        }

        return image;
    }

    private void Normalise(ByteImage image, Span<float> destination)
    {
        int plane = Size * Size;
        for (int channel = 0; channel < Channels; channel++)
        {
            // A grey picture for a network of three channels is repeated.
            int source = Math.Min(channel, image.Channels - 1);
            for (int i = 0; i < plane; i++)
            {
                destination[(channel * plane) + i] = ((image.Pixels[(i * image.Channels) + source] / 255f) - _mean[channel]) / _deviation[channel];
            }
        }
    }
}
