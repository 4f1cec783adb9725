// RandAugment (Cubuk et al. 2020) with the operations and ranges that DeiT's recipe means by "rand-m9-mstd0.5-inc1": every operation grows stronger with the magnitude 0..10, each
// chosen operation is carried out with probability one half. Shears are about the centre; timm's, about the corner, move the picture besides.
namespace BinaryAttention.Models.Training.Data.Augmentation;

internal static class RandAugment
{
    /// <summary>How many operations there are to choose from.</summary>
    public const int OperationCount = 15;

    public static ByteImage Apply(ByteImage image, int operations, double magnitude, double deviation, ReadOnlySpan<byte> fill, ref RandomStream random)
    {
        for (int i = 0; i < operations; i++)
        {
            int operation = random.NextInt(OperationCount);
            bool isSkipped = random.NextDouble() < 0.5;
            double level = Math.Clamp(magnitude + (deviation * random.NextNormal()), 0, 10) / 10;
            double sign = random.NextDouble() < 0.5 ? -1 : 1;
            if (!isSkipped)
            {
                image = Apply(image, operation, level, sign, fill);
            }
        }

        return image;
    }

    /// <summary>One operation at a strength of 0..1; those with a direction go the way of the sign.</summary>
    public static ByteImage Apply(ByteImage image, int operation, double level, double sign, ReadOnlySpan<byte> fill)
    {
        double enhancement = Math.Max(0.1, 1 + (sign * 0.9 * level)), shear = sign * 0.3 * level, move = sign * 0.45 * level;
        return operation switch
        {
            0 => Levels.AutoContrast(image),
            1 => Levels.Equalize(image),
            2 => Levels.Invert(image),
            3 => Affine.About(image, degrees: sign * 30 * level).Apply(image, fill),
            4 => Levels.Posterize(image, 4 - (int)(4 * level)),
            5 => Levels.Solarize(image, 256 - (int)(256 * level)),
            6 => Levels.SolarizeAdd(image, (int)(110 * level)),
            7 => Levels.Colour(image, enhancement),
            8 => Levels.Contrast(image, enhancement),
            9 => Levels.Brightness(image, enhancement),
            10 => Levels.Sharpness(image, enhancement),
            11 => Affine.About(image, shearX: shear).Apply(image, fill),
            12 => Affine.About(image, shearY: shear).Apply(image, fill),
            13 => Affine.About(image, moveX: move * image.Width).Apply(image, fill),
            14 => Affine.About(image, moveY: move * image.Height).Apply(image, fill),
            _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, $"Expected 0 to {OperationCount - 1}."),
        };
    }
}
