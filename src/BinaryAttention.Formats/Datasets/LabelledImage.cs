namespace BinaryAttention.Formats.Datasets;

/// <summary>One picture of a data set and its class.</summary>
/// <param name="Path">The file, as a full path.</param>
/// <param name="RelativePath">The file relative to the images directory, with <c>/</c> between folders on every system.</param>
/// <param name="Label">The class index, 0 or more, or -1 if there are no labels.</param>
public sealed record LabelledImage(string Path, string RelativePath, int Label);
