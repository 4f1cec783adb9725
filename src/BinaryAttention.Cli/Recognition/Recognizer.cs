// A classifier of pictures: the only place of this program that knows the model's API.
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

internal sealed class Recognizer
{
    private Recognizer(AttentionMode mode, int classCount, int imageSize)
    {
        (Mode, ClassCount, ImageSize) = (mode, classCount, imageSize);
    }

    public AttentionMode Mode { get; }

    public int ClassCount { get; }

    /// <summary>Pixels a side of the square the model takes.</summary>
    public int ImageSize { get; }

    public static Recognizer Load(string path, AttentionMode mode, ValueQuantization quantization, int threads) =>
        throw new NotSupportedException($"{path} {mode} {quantization} {threads}");

    /// <summary>The evaluation preprocessing of DeiT, scaled to the model's input: the crop keeps 224 of 256 pixels.</summary>
    public ImagePreprocessing DefaultPreprocessing() => new((ImageSize * 256 / 224), ImageSize);

    public void RequireInput(int cropSize)
    {
        if (cropSize != ImageSize)
        {
            throw new BadInputException($"--crop is {cropSize}, but the model takes pictures of {ImageSize} x {ImageSize}. Give --crop {ImageSize} and a --resize of at least that.");
        }
    }

    /// <summary>One logit per class for one preprocessed picture <c>[3, ImageSize, ImageSize]</c>.</summary>
    public float[] Logits(float[] pixels) => throw new NotSupportedException(pixels.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
