namespace BinaryAttention.Cli.Benchmarking.Results;

/// <summary>One program's time in a run where several took turns.</summary>
/// <param name="Name">What was timed, such as <c>onnxruntime</c> or <c>binattn binary simd</c>.</param>
/// <param name="Milliseconds">Median over the rounds, of wall time for attention and of processor time for whole models.</param>
/// <param name="PackingMilliseconds">Packing beside it, not contained in it; null where there is none.</param>
/// <param name="CyclesPerPair">Clock cycles of one query and key, null where that means nothing.</param>
/// <param name="PeerMilliseconds">The peer's time in the same run, null if there was none.</param>
internal sealed record PairedTime(string Name, double Milliseconds, double? PackingMilliseconds = null, double? CyclesPerPair = null, double? PeerMilliseconds = null)
{
    /// <summary>How many times faster than the peer.</summary>
    public double? TimesFaster => PeerMilliseconds / Milliseconds;

    /// <summary>The same with packing.</summary>
    public double? TimesFasterPackingIncluded => PeerMilliseconds / (Milliseconds + PackingMilliseconds);
}
