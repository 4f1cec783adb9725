// The driver with its results checked: every failing call becomes a CudaException that names the call, the code and a remedy.
using System.Runtime.InteropServices;

namespace BinaryAttention.Cuda.Driver;

internal sealed unsafe class CudaDriver(DriverTable table)
{
    /// <summary>CUDA 11.4 (driver 470): the first with all calls of the table and with PTX 7.4.</summary>
    public const int MinimumVersion = 11_040;

    public DriverTable Table { get; } = table;

    /// <summary>The newest CUDA version that the driver supports, 1000 times major plus 10 times minor.</summary>
    public int Version { get; private set; }

    /// <summary>Starts the driver.</summary>
    /// <returns>Why it cannot be used, or null.</returns>
    public string? Start()
    {
        if (Table.Missing.Count > 0)
        {
            return $"the NVIDIA driver has no {Table.Missing[0]}{(Table.Missing.Count > 1 ? $" (and {Table.Missing.Count - 1} other calls)" : string.Empty)}: it is older than CUDA {VersionText(MinimumVersion)}; update the driver";
        }

        int result = Table.Init(0);
        if (result != CudaStatus.Success)
        {
            return $"cuInit failed: {Describe(result)}";
        }

        int version;
        result = Table.DriverGetVersion(&version);
        if (result != CudaStatus.Success)
        {
            return $"cuDriverGetVersion failed: {Describe(result)}";
        }

        Version = version;
        return version < MinimumVersion
            ? $"the NVIDIA driver supports CUDA {VersionText(version)}; at least {VersionText(MinimumVersion)} is needed; update the driver"
            : null;
    }

    public static string VersionText(int version) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{version / 1000}.{version % 1000 / 10}");

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="result">What the call gave.</param>
    /// <param name="call">Its name in cuda.h.</param>
    /// <param name="log">The compiler's log, or what was asked of the call.</param>
    /// <exception cref="CudaException">The call failed.</exception>
    public void Check(int result, string call, string? log = null)
    {
        if (result != CudaStatus.Success)
        {
            throw new CudaException(call, result, NameOf(result), TextOf(result), CudaStatus.Remedy(result), log);
        }
    }

    public int DeviceCount()
    {
        int count;
        Check(Table.DeviceGetCount(&count), "cuDeviceGetCount");
        return count;
    }

    public int Device(int ordinal)
    {
        int device;
        Check(Table.DeviceGet(&device, ordinal), "cuDeviceGet");
        return device;
    }

    public string DeviceName(int device)
    {
        const int Length = 256;
        byte* name = stackalloc byte[Length];
        Check(Table.DeviceGetName(name, Length, device), "cuDeviceGetName");
        name[Length - 1] = 0;
        return Marshal.PtrToStringUTF8((nint)name) ?? string.Empty;
    }

    public int DeviceAttribute(int attribute, int device)
    {
        int value;
        Check(Table.DeviceGetAttribute(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    public long DeviceMemory(int device)
    {
        nuint bytes;
        Check(Table.DeviceTotalMemory(&bytes, device), "cuDeviceTotalMem_v2");
        return (long)bytes;
    }

    public Guid DeviceUuid(int device)
    {
        byte* bytes = stackalloc byte[16];
        Check(Table.DeviceGetUuid(bytes, device), "cuDeviceGetUuid");
        return new Guid(new ReadOnlySpan<byte>(bytes, 16), bigEndian: true);
    }

    private string Describe(int result) => $"{NameOf(result)} ({result}), {TextOf(result)}. {CudaStatus.Remedy(result)}".TrimEnd('.', ' ');

    private string NameOf(int result)
    {
        byte* name = null;
        return Table.GetErrorName(result, &name) == CudaStatus.Success && name != null ? Marshal.PtrToStringUTF8((nint)name)! : "unknown result";
    }

    private string TextOf(int result)
    {
        byte* text = null;
        return Table.GetErrorString(result, &text) == CudaStatus.Success && text != null ? Marshal.PtrToStringUTF8((nint)text)! : "no description";
    }
}
