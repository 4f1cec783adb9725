// A folder of photographs, with or without labels. They are decoded each time they are asked for: thousands of photographs do not fit into memory.
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Models.Training.Data;

internal sealed class FolderImageSet(string directory, string? labelsPath) : ImageSet
{
    private readonly LabelledImageFolder _folder = LabelledImageFolder.Open(directory, labelsPath);

    public override int Count => _folder.Images.Count;

    public override bool HasLabels => _folder.HasLabels;

    public override string Name => directory;

    public override ByteImage Image(int index) => ByteImage.FromRgb(ImageDecoder.DecodeFile(_folder.Images[index].Path));

    public override int Label(int index) => _folder.HasLabels ? _folder.Images[index].Label : -1;
}
