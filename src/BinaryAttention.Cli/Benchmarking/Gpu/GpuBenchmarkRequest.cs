namespace BinaryAttention.Cli.Benchmarking.Gpu;

/// <summary>What <c>bench gpu</c> is asked to measure; every value is already checked.</summary>
internal sealed record GpuBenchmarkRequest
{
    /// <summary>Sequence lengths of the timings.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>Head dimensions of the timings and of the compiled kernels.</summary>
    public required IReadOnlyList<int> Dimensions { get; init; }

    public required int HeadCount { get; init; }

    /// <summary>Timed replays of each piece of work.</summary>
    public required int Repeat { get; init; }

    /// <summary>The longest sequence that is compared with the CPU.</summary>
    public required int CheckLength { get; init; }

    /// <summary>No timing starts after so many seconds; what is left is reported as not measured.</summary>
    public required int BudgetSeconds { get; init; }

    public required int Seed { get; init; }
}
