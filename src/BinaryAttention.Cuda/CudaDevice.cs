using System.Globalization;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;

namespace BinaryAttention.Cuda;

/// <summary>
/// A GPU as the NVIDIA driver reports it. Asking never throws: without a driver <see cref="All"/> is empty and <see cref="WhyNotSupported"/> says why.
/// A device that has run something keeps its compiled kernels and its buffers for the rest of the process; <see cref="TrimBuffers"/> frees the latter.
/// </summary>
public sealed class CudaDevice
{
    private readonly CudaDriver _driver;
    private readonly Lock _gate = new();
    private DeviceRuntime? _runtime;

    private CudaDevice(CudaDriver driver, int ordinal, int handle)
    {
        (_driver, Ordinal, Handle) = (driver, ordinal, handle);
    }

    /// <summary>All GPUs that the driver shows, usable or not, in the driver's order.</summary>
    public static IReadOnlyList<CudaDevice> All => CudaDiscovery.Current.Devices;

    /// <summary>Whether one-bit attention can run on a GPU of this machine: the driver is there and at least one device is usable.</summary>
    public static bool IsSupported => CudaDiscovery.Current.WhyNot is null;

    /// <summary>Why no GPU can be used, with a remedy; null if one can.</summary>
    public static string? WhyNotSupported => CudaDiscovery.Current.WhyNot;

    /// <summary>The newest CUDA version that the driver supports, such as "12.4"; null without a driver.</summary>
    public static string? DriverVersion => CudaDiscovery.Current.DriverVersion is > 0 and var version ? CudaDriver.VersionText(version) : null;

    /// <summary>The first usable device.</summary>
    /// <exception cref="NotSupportedException">There is none; the message has the reason.</exception>
    public static CudaDevice Default => CudaDiscovery.Current.Default;

    /// <summary>The driver's number of the device, from 0.</summary>
    public int Ordinal { get; }

    /// <summary>The product's name, such as "NVIDIA H200".</summary>
    public string Name { get; private init; } = string.Empty;

    /// <summary>Compute capability, such as 9.0.</summary>
    public Version ComputeCapability { get; private init; } = new(0, 0);

    /// <summary>Bytes of device memory.</summary>
    public long MemoryBytes { get; private init; }

    /// <summary>Streaming multiprocessors.</summary>
    public int MultiprocessorCount { get; private init; }

    /// <summary>Most shared memory that a block can ask for, in bytes.</summary>
    public int SharedMemoryPerBlockBytes { get; private init; }

    /// <summary>The device's identifier, as nvidia-smi shows it.</summary>
    public Guid Uuid { get; private init; }

    /// <summary>Whether one-bit attention can run on it.</summary>
    public bool IsUsable => WhyNot is null;

    /// <summary>Why it cannot be used; null if it can.</summary>
    public string? WhyNot { get; private init; }

    /// <summary>How its kernels multiply signs, with the reason where that is no native one-bit product with and; null if it cannot be used.</summary>
    public string? SignProduct => IsUsable ? SignProductForms.Describe(ComputeCapabilityNumber) : null;

    internal int Handle { get; }

    /// <summary>80 for compute capability 8.0.</summary>
    internal int ComputeCapabilityNumber => (10 * ComputeCapability.Major) + ComputeCapability.Minor;

    internal CudaDriver Driver => _driver;

    /// <summary>Contexts, kernels and buffers, made at the first use.</summary>
    internal DeviceRuntime Runtime
    {
        get
        {
            lock (_gate)
            {
                RequireUsable();
                return _runtime ??= new DeviceRuntime(_driver, Handle, ComputeCapabilityNumber);
            }
        }
    }

    /// <summary>
    /// Frees device and page-locked memory that finished calls over host memory left for the next ones: as much as the largest call used, for each thread that called at the same time.
    /// Safe at any time; compiled kernels stay.
    /// </summary>
    public void TrimBuffers()
    {
        lock (_gate)
        {
            _runtime?.TrimBuffers();
        }
    }

    /// <summary>Name, compute capability and memory on one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}, compute capability {ComputeCapability}, {MemoryBytes / (1 << 20)} MiB");

    /// <summary>Refuses a device that cannot be used.</summary>
    internal void RequireUsable()
    {
        if (WhyNot is { } reason)
        {
            throw new NotSupportedException($"{Name} cannot be used: {reason}.");
        }
    }

    internal static CudaDevice Read(CudaDriver driver, int ordinal)
    {
        string name = $"device {ordinal.ToString(CultureInfo.InvariantCulture)}";
        try
        {
            int handle = driver.Device(ordinal);
            name = driver.DeviceName(handle);
            int major = driver.DeviceAttribute(DeviceAttributes.ComputeCapabilityMajor, handle);
            int minor = driver.DeviceAttribute(DeviceAttributes.ComputeCapabilityMinor, handle);
            bool isProhibited = driver.DeviceAttribute(DeviceAttributes.ComputeMode, handle) == DeviceAttributes.ComputeModeProhibited;
            return new CudaDevice(driver, ordinal, handle)
            {
                Name = name,
                ComputeCapability = new Version(major, minor),
                MemoryBytes = driver.DeviceMemory(handle),
                MultiprocessorCount = driver.DeviceAttribute(DeviceAttributes.MultiprocessorCount, handle),
                SharedMemoryPerBlockBytes = driver.DeviceAttribute(DeviceAttributes.SharedMemoryPerBlockOptIn, handle),
                Uuid = driver.DeviceUuid(handle),
                WhyNot = isProhibited ? "its compute mode is Prohibited; nvidia-smi -c sets another" : WhyNoKernel((10 * major) + minor),
            };
        }
        catch (CudaException problem)
        {
            // The other devices may still be fine.
            return new CudaDevice(driver, ordinal, -1) { Name = name, WhyNot = problem.Message.TrimEnd('.') };
        }
    }

    /// <summary>Gives contexts, kernels and buffers back; a later use makes new ones.</summary>
    internal void ReleaseRuntime()
    {
        lock (_gate)
        {
            _runtime?.Dispose();
            _runtime = null;
        }
    }

    // Asked of the kernels with a call that they all take: what is left is the device.
    private static string? WhyNoKernel(int computeCapability) => CudaSpecification.Dense(new AttentionShape(1, 1, 1, 1, 64, 64)).WhyNot(computeCapability);
}
