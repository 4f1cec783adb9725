namespace BinaryAttention.Cli.Benchmarking;

/// <summary>What <c>bench attention</c> is asked to measure; every name is already checked.</summary>
internal sealed record BenchmarkRequest
{
    public required AttentionShape Shape { get; init; }

    /// <summary>Kernel names, or empty for every usable one but the reference.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }

    public required bool RunsExact { get; init; }

    public required bool RunsBinary { get; init; }

    public required bool RunsEightBit { get; init; }

    public required string Weighting { get; init; }

    public required string Bias { get; init; }

    public required string Quantization { get; init; }

    public required int Threads { get; init; }

    public required int Repeat { get; init; }

    public required int Seed { get; init; }
}
