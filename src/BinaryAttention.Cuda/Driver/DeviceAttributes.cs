namespace BinaryAttention.Cuda.Driver;

/// <summary>The device attributes that are asked for, by their numbers in cuda.h.</summary>
internal static class DeviceAttributes
{
    public const int ClockKilohertz = 13;
    public const int MultiprocessorCount = 16;
    public const int ComputeMode = 20;
    public const int MemoryClockKilohertz = 36;
    public const int MemoryBusBits = 37;
    public const int SecondLevelCacheBytes = 38;
    public const int ComputeCapabilityMajor = 75;
    public const int ComputeCapabilityMinor = 76;
    public const int SharedMemoryPerMultiprocessor = 81;

    /// <summary>Most dynamic shared memory of a block once its function asks for it.</summary>
    public const int SharedMemoryPerBlockOptIn = 97;

    /// <summary>The compute mode in which nothing may run.</summary>
    public const int ComputeModeProhibited = 2;
}
