using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>The codes of all layers of a model.</summary>
/// <param name="Form">What a checkpoint with them holds.</param>
/// <param name="Layers">One entry for each layer that is not kept exact.</param>
/// <param name="Options">How they were found.</param>
/// <param name="ImageCount">From how many images.</param>
public sealed record ModelCodes(CalibratedForm Form, IReadOnlyList<LayerCodes> Layers, CalibrationOptions Options, int ImageCount);
