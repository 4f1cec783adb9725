using System.Text.Json.Serialization;

namespace BinaryAttention.Models.Calibration;

/// <summary>How the list of finished layers is written, without reflection.</summary>
[JsonSerializable(typeof(double[][]))]
internal sealed partial class PartialCalibrationJson : JsonSerializerContext;
