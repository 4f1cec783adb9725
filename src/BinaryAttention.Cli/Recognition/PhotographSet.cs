// Labelled photographs of a folder, preprocessed as the caller asks.
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

internal sealed class PhotographSet(LabelledImageFolder folder, string labelsPath, ImagePreprocessing preprocessing) : IEvaluationSet
{
    public int Count => folder.Images.Count;

    public string Describe(int index) => $"{labelsPath}: {folder.Images[index].RelativePath}";

    public int Label(int index) => folder.Images[index].Label;

    public float[] Read(int index) => PictureReader.Read(folder.Images[index].Path, preprocessing);
}
