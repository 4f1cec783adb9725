namespace BinaryAttention.Formats.Datasets;

/// <summary>One line of a labels file: a relative path without <c>.</c>, <c>..</c> or empty parts, joined by <c>/</c>, and a class index of 0 or more.</summary>
internal readonly record struct LabelLine(int LineNumber, string RelativePath, int Label);
