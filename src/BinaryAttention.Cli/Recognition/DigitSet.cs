// A stretch of a pair of IDX files: grey pictures of the size the model takes, normalised.
using BinaryAttention.Formats.Datasets;

namespace BinaryAttention.Cli.Recognition;

internal sealed class DigitSet(LabelledIdxImages digits, string labelsPath, int first, int count, float mean, float deviation) : IEvaluationSet
{
    public int Count => count;

    public string Describe(int index) => $"{labelsPath}: picture {first + index}";

    public int Label(int index) => digits.Label(first + index);

    public float[] Read(int index) => digits.Normalized(first + index, mean, deviation);
}
