// A stretch of a pair of IDX files: grey pictures of the size the model takes, normalised.
using BinaryAttention.Formats.Datasets;

namespace BinaryAttention.Cli.Recognition;

internal sealed class DigitSet(LabelledIdxImages digits, string labelsPath, int first, int count, float mean, float deviation) : IEvaluationSet
{
    /// <summary>Mean and standard deviation of the grey levels of MNIST's training digits, in units of 0..1.</summary>
    public const float MnistMean = 0.1307f, MnistDeviation = 0.3081f;

    public int Count => count;

    public string Describe(int index) => $"{labelsPath}: picture {first + index}";

    public int Label(int index) => digits.Label(first + index);

    public float[] Read(int index) => digits.Normalized(first + index, mean, deviation);
}
