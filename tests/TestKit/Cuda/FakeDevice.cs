namespace TestKit.Cuda;

/// <summary>A GPU that a <see cref="FakeDriver"/> pretends to see.</summary>
/// <param name="Name">Product name.</param>
/// <param name="Major">Compute capability before the point.</param>
/// <param name="Minor">Compute capability after the point.</param>
public sealed record FakeDevice(string Name, int Major, int Minor)
{
    /// <summary>Bytes of memory; allocations beyond fail.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Multiprocessors.</summary>
    public int MultiprocessorCount { get; init; } = 4;

    /// <summary>Compute mode; 2 is Prohibited.</summary>
    public int ComputeMode { get; init; }
}
