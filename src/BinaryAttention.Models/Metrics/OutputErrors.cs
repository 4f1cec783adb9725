namespace BinaryAttention.Models.Metrics;

/// <summary>Relative errors of the output of one head, all over the length of the exact output.</summary>
internal readonly record struct OutputErrors(double Total, double Special, double Signs, double Quantization);
