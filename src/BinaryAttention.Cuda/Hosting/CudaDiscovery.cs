// What the driver says about this machine, asked once. Nothing here throws: no driver, an old one or a broken one is a reason, not an error.
using BinaryAttention.Cuda.Driver;

namespace BinaryAttention.Cuda.Hosting;

internal sealed class CudaDiscovery
{
    private static readonly Lazy<CudaDiscovery> Lazily = new(static () => Of(DriverLibrary.TryLoad(out string? whyNot), whyNot));

    private CudaDiscovery(IReadOnlyList<CudaDevice> devices, int driverVersion, string? whyNot)
    {
        (Devices, DriverVersion) = (devices, driverVersion);
        WhyNot = whyNot ?? (devices.Count == 0 ? "the driver sees no GPU" : devices.All(device => !device.IsUsable) ? string.Join("; ", devices.Select(device => $"{device.Name}: {device.WhyNot}")) : null);
    }

    /// <summary>This machine.</summary>
    public static CudaDiscovery Current => Lazily.Value;

    /// <summary>All GPUs that the driver shows, usable or not.</summary>
    public IReadOnlyList<CudaDevice> Devices { get; }

    /// <summary>The newest CUDA version that the driver supports, 1000 times major plus 10 times minor; 0 without a driver.</summary>
    public int DriverVersion { get; }

    /// <summary>Why no device can be used, or null if one can.</summary>
    public string? WhyNot { get; }

    /// <summary>The first usable device.</summary>
    /// <exception cref="NotSupportedException">There is none; the message has the reason.</exception>
    public CudaDevice Default =>
        Devices.FirstOrDefault(device => device.IsUsable) ?? throw new NotSupportedException($"No NVIDIA GPU can be used: {WhyNot}.");

    /// <summary>Asks a driver.</summary>
    public static CudaDiscovery Of(DriverTable? table, string? whyNot)
    {
        if (table is null)
        {
            return new CudaDiscovery([], 0, whyNot);
        }

        var driver = new CudaDriver(table);
        if (driver.Start() is { } reason)
        {
            return new CudaDiscovery([], driver.Version, reason);
        }

        try
        {
            int count = driver.DeviceCount();
            return new CudaDiscovery([.. Enumerable.Range(0, count).Select(ordinal => CudaDevice.Read(driver, ordinal))], driver.Version, null);
        }
        catch (CudaException problem)
        {
            return new CudaDiscovery([], driver.Version, problem.Message.TrimEnd('.'));
        }
    }
}
