namespace BinaryAttention.Cli.Benchmarking.Results;

/// <summary>The times of one model at one image size.</summary>
/// <param name="Model">Its name.</param>
/// <param name="ImageSize">Side of the image in pixels.</param>
/// <param name="Times">Who needed how much processor time.</param>
/// <param name="Source">File and date.</param>
internal sealed record PairedModel(string Model, int ImageSize, IReadOnlyList<PairedTime> Times, string Source);
