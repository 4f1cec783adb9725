namespace BinaryAttention.Models.Calibration;

/// <summary>The codes of one head and the weighted divergences of its rows, without and with them.</summary>
internal sealed record HeadCalibrationResult(HeadCode Code, double NaiveDivergence, double Divergence);
