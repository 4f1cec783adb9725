using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Reports;

/// <summary>One photograph of a report and what the heads attend to on it.</summary>
/// <param name="Name">The file's name; shown as text whatever it holds.</param>
/// <param name="Photograph">What the model saw.</param>
/// <param name="GridHeight">Rows of patches.</param>
/// <param name="GridWidth">Columns of patches.</param>
/// <param name="Maps">The attention maps.</param>
public sealed record FidelityPicture(string Name, RgbImage Photograph, int GridHeight, int GridWidth, VisionTransformerMaps Maps);
