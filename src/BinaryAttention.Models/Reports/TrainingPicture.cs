using BinaryAttention.Formats.Images;

namespace BinaryAttention.Models.Reports;

/// <summary>One picture of a training report.</summary>
/// <param name="Image">The picture as stored.</param>
/// <param name="Label">Its class, -1 without labels.</param>
/// <param name="Prediction">The class that the network puts first.</param>
/// <param name="HeadCount">Attention heads of a layer.</param>
/// <param name="ClassRows">Attention of the class token to the patches, <c>[layer][head * patches + patch]</c>; the patches form a square.</param>
internal sealed record TrainingPicture(RgbImage Image, int Label, int Prediction, int HeadCount, IReadOnlyList<float[]> ClassRows);
