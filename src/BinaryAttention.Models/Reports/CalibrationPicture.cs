using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Reports;

/// <summary>One photograph of a calibration's page and what the class token attends to on it.</summary>
/// <param name="Name">The file's name; shown as text whatever it holds.</param>
/// <param name="Photograph">What the model saw.</param>
/// <param name="GridHeight">Rows of patches.</param>
/// <param name="GridWidth">Columns of patches.</param>
/// <param name="Maps">The maps.</param>
public sealed record CalibrationPicture(string Name, RgbImage Photograph, int GridHeight, int GridWidth, CalibrationMaps Maps);
