namespace BinaryAttention.Cli.Benchmarking.Results;

/// <summary>The times of one attention shape.</summary>
/// <param name="HeadCount">Batch size times heads.</param>
/// <param name="Length">Tokens.</param>
/// <param name="HeadDimension">Channels of queries and keys.</param>
/// <param name="ValueDimension">Channels of values.</param>
/// <param name="Times">Who needed how long; the peer's name is <see cref="Peer"/>.</param>
/// <param name="Source">File and date.</param>
internal sealed record PairedAttention(int HeadCount, int Length, int HeadDimension, int ValueDimension, IReadOnlyList<PairedTime> Times, string Source)
{
    public const string Peer = "onnxruntime";
}
