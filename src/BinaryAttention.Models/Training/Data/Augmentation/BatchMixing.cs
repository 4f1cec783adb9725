// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) of a whole batch with itself in reverse order, one share for all: x = share * x + (1 - share) * x reversed, or a box of x
// replaced; targets are mixed by the same share (of the box as it was cut).
namespace BinaryAttention.Models.Training.Data.Augmentation;

internal static class BatchMixing
{
    /// <summary>Mixes in place.</summary>
    /// <param name="images">Pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="targets">Class probabilities <c>[batch, classes]</c>; empty without labels.</param>
    /// <param name="batch">Pictures.</param>
    /// <param name="share">What stays of each picture, 0..1.</param>
    public static void Mixup(Span<float> images, Span<float> targets, int batch, double share)
    {
        Blend(images, batch, share);
        Blend(targets, batch, share);
    }

    /// <summary>Replaces a box of each picture and mixes the targets by its area.</summary>
    public static void CutMix(Span<float> images, Span<float> targets, int batch, int height, int width, double share, ref RandomStream random)
    {
        double side = Math.Sqrt(1 - share);
        int boxHeight = (int)(height * side), boxWidth = (int)(width * side), centreY = random.NextInt(height), centreX = random.NextInt(width);
        int top = Math.Clamp(centreY - (boxHeight / 2), 0, height), bottom = Math.Clamp(centreY + (boxHeight / 2), 0, height);
        int left = Math.Clamp(centreX - (boxWidth / 2), 0, width), right = Math.Clamp(centreX + (boxWidth / 2), 0, width);
        int length = images.Length / batch, channels = length / (height * width);
        for (int first = 0; first < batch / 2; first++)
        {
            Span<float> one = images.Slice(first * length, length), other = images.Slice((batch - 1 - first) * length, length);
            for (int row = 0; row < channels * height; row++)
            {
                if (row % height >= top && row % height < bottom)
                {
                    Exchange(one.Slice((row * width) + left, right - left), other.Slice((row * width) + left, right - left));
                }
            }
        }

        Blend(targets, batch, 1 - ((double)(bottom - top) * (right - left) / (height * width)));
    }

    // Pairs (i, batch - 1 - i) at once: both sides need the other's old values. An odd middle is mixed with itself and stays.
    private static void Blend(Span<float> values, int batch, double share)
    {
        int length = values.Length / batch;
        float keep = (float)share, give = 1 - keep;
        for (int first = 0; first < batch / 2; first++)
        {
            Span<float> one = values.Slice(first * length, length), other = values.Slice((batch - 1 - first) * length, length);
            for (int i = 0; i < length; i++)
            {
                (one[i], other[i]) = ((keep * one[i]) + (give * other[i]), (keep * other[i]) + (give * one[i]));
            }
        }
    }

    private static void Exchange(Span<float> one, Span<float> other)
    {
        for (int i = 0; i < one.Length; i++)
        {
            (one[i], other[i]) = (other[i], one[i]);
        }
    }
}
