namespace BinaryAttention.Cli.Benchmarking;

/// <summary>The measurement of one kernel and one operation.</summary>
internal sealed record BenchmarkResult(
    string Operation,
    string Kernel,
    double MedianMilliseconds,
    double MinMilliseconds,
    double PackingMilliseconds,
    double CyclesPerPair,
    double CosineSimilarity,
    double RelativeError,
    long AllocatedBytes,
    double ClockGigahertz);
