// Back from normalised values to bytes: the pixels that a model saw.
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

internal static class PhotographPixels
{
    public static RgbImage Of(float[] pixels, ImagePreprocessing preprocessing)
    {
        int side = preprocessing.CropSize;
        var bytes = new byte[pixels.Length];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int i = 0; i < side * side; i++)
            {
                float share = (pixels[(channel * side * side) + i] * preprocessing.StandardDeviation[channel]) + preprocessing.Mean[channel];
                bytes[(3 * i) + channel] = (byte)Math.Clamp(MathF.Round(255 * share), 0, 255);
            }
        }

        return new RgbImage(side, side, bytes);
    }
}
