// The exported calls: what crosses the boundary between managed code and a C library, with the signatures of cuda.h.
using System.Runtime.InteropServices;

namespace TestKit.Cuda;

public sealed unsafe partial class FakeDriver
{
    private static readonly Dictionary<string, nint> Exports = new(StringComparer.Ordinal)
    {
        ["cuInit"] = (nint)(delegate* unmanaged<uint, int>)&Init,
        ["cuDriverGetVersion"] = (nint)(delegate* unmanaged<int*, int>)&GetVersion,
        ["cuGetErrorName"] = (nint)(delegate* unmanaged<int, nint*, int>)&GetErrorName,
        ["cuGetErrorString"] = (nint)(delegate* unmanaged<int, nint*, int>)&GetErrorString,
        ["cuDeviceGetCount"] = (nint)(delegate* unmanaged<int*, int>)&GetCount,
        ["cuDeviceGet"] = (nint)(delegate* unmanaged<int*, int, int>)&GetDevice,
        ["cuDeviceGetName"] = (nint)(delegate* unmanaged<byte*, int, int, int>)&GetName,
        ["cuDeviceGetAttribute"] = (nint)(delegate* unmanaged<int*, int, int, int>)&GetAttribute,
        ["cuDeviceTotalMem_v2"] = (nint)(delegate* unmanaged<nuint*, int, int>)&TotalMemory,
        ["cuDeviceGetUuid"] = (nint)(delegate* unmanaged<byte*, int, int>)&GetUuid,
        ["cuDevicePrimaryCtxRetain"] = (nint)(delegate* unmanaged<nint*, int, int>)&Retain,
        ["cuDevicePrimaryCtxRelease_v2"] = (nint)(delegate* unmanaged<int, int>)&Release,
        ["cuCtxPushCurrent_v2"] = (nint)(delegate* unmanaged<nint, int>)&Push,
        ["cuCtxPopCurrent_v2"] = (nint)(delegate* unmanaged<nint*, int>)&Pop,
        ["cuModuleLoadDataEx"] = (nint)(delegate* unmanaged<nint*, byte*, uint, int*, void**, int>)&ModuleLoad,
        ["cuModuleUnload"] = (nint)(delegate* unmanaged<nint, int>)&ModuleUnload,
        ["cuModuleGetFunction"] = (nint)(delegate* unmanaged<nint*, nint, byte*, int>)&ModuleGetFunction,
        ["cuFuncGetAttribute"] = (nint)(delegate* unmanaged<int*, int, nint, int>)&FunctionGet,
        ["cuFuncSetAttribute"] = (nint)(delegate* unmanaged<nint, int, int, int>)&FunctionSet,
        ["cuOccupancyMaxActiveBlocksPerMultiprocessor"] = (nint)(delegate* unmanaged<int*, nint, int, nuint, int>)&Occupancy,
        ["cuLaunchKernel"] = (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)&LaunchKernel,
        ["cuMemAlloc_v2"] = (nint)(delegate* unmanaged<nint*, nuint, int>)&MemoryAllocate,
        ["cuMemFree_v2"] = (nint)(delegate* unmanaged<nint, int>)&MemoryFree,
        ["cuMemGetInfo_v2"] = (nint)(delegate* unmanaged<nuint*, nuint*, int>)&MemoryInfo,
        ["cuMemcpyDtoH_v2"] = (nint)(delegate* unmanaged<void*, ulong, nuint, int>)&CopyToHost,
        ["cuMemcpyHtoDAsync_v2"] = (nint)(delegate* unmanaged<ulong, void*, nuint, nint, int>)&CopyToDeviceAsync,
        ["cuMemcpyDtoHAsync_v2"] = (nint)(delegate* unmanaged<void*, ulong, nuint, nint, int>)&CopyToHostAsync,
        ["cuMemsetD8Async"] = (nint)(delegate* unmanaged<ulong, byte, nuint, nint, int>)&Fill,
        ["cuMemHostAlloc"] = (nint)(delegate* unmanaged<nint*, nuint, uint, int>)&HostAllocate,
        ["cuMemFreeHost"] = (nint)(delegate* unmanaged<nint, int>)&HostFree,
        ["cuStreamCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&StreamCreate,
        ["cuStreamDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&StreamDestroy,
        ["cuStreamSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&StreamSynchronize,
        ["cuStreamBeginCapture_v2"] = (nint)(delegate* unmanaged<nint, int, int>)&BeginCapture,
        ["cuStreamEndCapture"] = (nint)(delegate* unmanaged<nint, nint*, int>)&EndCapture,
        ["cuGraphInstantiateWithFlags"] = (nint)(delegate* unmanaged<nint*, nint, ulong, int>)&Instantiate,
        ["cuGraphLaunch"] = (nint)(delegate* unmanaged<nint, nint, int>)&GraphLaunch,
        ["cuGraphExecDestroy"] = (nint)(delegate* unmanaged<nint, int>)&ExecutableDestroy,
        ["cuGraphDestroy"] = (nint)(delegate* unmanaged<nint, int>)&GraphDestroy,
        ["cuEventCreate"] = (nint)(delegate* unmanaged<nint*, uint, int>)&EventCreate,
        ["cuEventDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&EventDestroy,
        ["cuEventRecord"] = (nint)(delegate* unmanaged<nint, nint, int>)&EventRecord,
        ["cuEventSynchronize"] = (nint)(delegate* unmanaged<nint, int>)&EventSynchronize,
        ["cuEventElapsedTime"] = (nint)(delegate* unmanaged<float*, nint, nint, int>)&EventElapsed,
    };

    /// <summary>The names of all calls that the fake knows.</summary>
    public static IReadOnlyCollection<string> KnownCalls => Exports.Keys;

    [UnmanagedCallersOnly]
    private static int Init(uint flags) => Enter("cuInit", false, _ => flags == 0 ? 0 : InvalidValue);

    [UnmanagedCallersOnly]
    private static int GetVersion(int* version) => Enter("cuDriverGetVersion", false, fake => Give(version, fake.Version));

    // Asked while another call's failure is reported, so that neither is counted as a call.
    [UnmanagedCallersOnly]
    private static int GetErrorName(int code, nint* text) => Give(text, _current!.Text(code, $"CUDA_ERROR_FAKE_{code}"));

    [UnmanagedCallersOnly]
    private static int GetErrorString(int code, nint* text) => Give(text, _current!.Text(code, $"fake text of {code}"));

    [UnmanagedCallersOnly]
    private static int GetCount(int* count) => Enter("cuDeviceGetCount", false, fake => Give(count, fake.Devices.Count));

    [UnmanagedCallersOnly]
    private static int GetDevice(int* device, int ordinal) => Enter("cuDeviceGet", false, fake => ordinal < fake.Devices.Count ? Give(device, fake._firstNumber + ordinal) : InvalidDevice);

    [UnmanagedCallersOnly]
    private static int GetName(byte* name, int length, int device) => Enter("cuDeviceGetName", false, fake =>
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(fake.DeviceOf(device).Name);
        Marshal.Copy(text, 0, (nint)name, Math.Min(text.Length, length - 1));
        name[Math.Min(text.Length, length - 1)] = 0;
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int GetAttribute(int* value, int attribute, int device) => Enter("cuDeviceGetAttribute", false, fake => Give(value, attribute switch
    {
        13 => 1_000_000,
        16 => fake.DeviceOf(device).MultiprocessorCount,
        20 => fake.DeviceOf(device).ComputeMode,
        75 => fake.DeviceOf(device).Major,
        76 => fake.DeviceOf(device).Minor,
        97 => 160 * 1024,
        _ => 0,
    }));

    [UnmanagedCallersOnly]
    private static int TotalMemory(nuint* bytes, int device) => Enter("cuDeviceTotalMem_v2", false, fake => Give(bytes, (nuint)fake.DeviceOf(device).MemoryBytes));

    [UnmanagedCallersOnly]
    private static int GetUuid(byte* uuid, int device) => Enter("cuDeviceGetUuid", false, _ =>
    {
        new Span<byte>(uuid, 16).Fill((byte)(0x10 + device % 0x100));
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int Retain(nint* context, int device) => Enter("cuDevicePrimaryCtxRetain", false, fake =>
    {
        fake._retained++;
        return Give(context, device);
    });

    [UnmanagedCallersOnly]
    private static int Release(int device) => IsOfAnEarlierFake(device) ? InvalidContext : Enter("cuDevicePrimaryCtxRelease_v2", false, fake =>
    {
        if (--fake._retained < 0)
        {
            fake._faults.Add($"primary context of device {device} released more often than retained");
        }

        if (fake._retained == 0 && fake._handles.Values.Any(handle => handle.Kind != "function"))
        {
            fake._faults.Add("primary context released while something in it is alive");
        }

        return 0;
    });

    [UnmanagedCallersOnly]
    private static int Push(nint context) => IsOfAnEarlierFake((int)context) ? InvalidContext : Enter("cuCtxPushCurrent_v2", false, fake =>
    {
        fake.ContextStack().Push(context);
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int Pop(nint* context) => Enter("cuCtxPopCurrent_v2", true, fake => Give(context, fake.ContextStack().Pop()));

    [UnmanagedCallersOnly]
    private static int ModuleLoad(nint* module, byte* image, uint count, int* options, void** values) => Enter("cuModuleLoadDataEx", true, fake => fake.LoadModule(module, image, count, options, values));

    [UnmanagedCallersOnly]
    private static int ModuleUnload(nint module) => Enter("cuModuleUnload", true, fake => fake.Destroy(module, "module", "cuModuleUnload"));

    [UnmanagedCallersOnly]
    private static int ModuleGetFunction(nint* function, nint module, byte* name) => Enter("cuModuleGetFunction", true, fake => fake.FindFunction(function, module, name));

    [UnmanagedCallersOnly]
    private static int FunctionGet(int* value, int attribute, nint function) => Enter("cuFuncGetAttribute", true, fake => fake._handles.ContainsKey(function) ? Give(value, attribute == 4 ? 96 : 0) : InvalidHandle);

    [UnmanagedCallersOnly]
    private static int FunctionSet(nint function, int attribute, int value) => Enter("cuFuncSetAttribute", true, fake =>
    {
        if (attribute != 8 || value > 160 * 1024)
        {
            return InvalidValue;
        }

        fake._handles[function].DynamicSharedLimit = value;
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int Occupancy(int* blocks, nint function, int threads, nuint sharedBytes) => Enter("cuOccupancyMaxActiveBlocksPerMultiprocessor", true, _ => Give(blocks, Math.Max(1, 2048 / threads)));

    [UnmanagedCallersOnly]
    private static int LaunchKernel(nint function, uint gridX, uint gridY, uint gridZ, uint threadsX, uint threadsY, uint threadsZ, uint sharedBytes, nint stream, void** parameters, void** extra) =>
        Enter("cuLaunchKernel", true, fake => threadsY == 1 && threadsZ == 1 && extra == null ? fake.Launch(function, (gridX, gridY, gridZ), threadsX, sharedBytes, stream, parameters) : InvalidValue);

    [UnmanagedCallersOnly]
    private static int MemoryAllocate(nint* address, nuint bytes) => Enter("cuMemAlloc_v2", true, fake => fake.Allocate(address, (long)bytes, "memory"));

    [UnmanagedCallersOnly]
    private static int MemoryFree(nint address) => Enter("cuMemFree_v2", true, fake => fake.Destroy(address, "memory", "cuMemFree_v2"));

    [UnmanagedCallersOnly]
    private static int MemoryInfo(nuint* free, nuint* total) => Enter("cuMemGetInfo_v2", true, fake =>
    {
        *total = (nuint)fake.Devices[0].MemoryBytes;
        *free = *total - (nuint)fake._handles.Values.Where(handle => handle.Kind == "memory").Sum(handle => handle.Bytes);
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int CopyToHost(void* host, ulong device, nuint bytes) => Enter("cuMemcpyDtoH_v2", true, fake =>
    {
        int result = fake.Copy(device, host, bytes, 0, toDevice: false);
        fake.FinishBlocking();
        return result;
    });

    [UnmanagedCallersOnly]
    private static int CopyToDeviceAsync(ulong device, void* host, nuint bytes, nint stream) => Enter("cuMemcpyHtoDAsync_v2", true, fake => fake.Copy(device, host, bytes, stream, toDevice: true));

    [UnmanagedCallersOnly]
    private static int CopyToHostAsync(void* host, ulong device, nuint bytes, nint stream) => Enter("cuMemcpyDtoHAsync_v2", true, fake => fake.Copy(device, host, bytes, stream, toDevice: false));

    [UnmanagedCallersOnly]
    private static int Fill(ulong device, byte value, nuint bytes, nint stream) => Enter("cuMemsetD8Async", true, fake =>
        fake.IsDeviceMemory(device, (long)bytes) ? fake.Submit(stream, () => fake.Memory.Fill(device, value, (long)bytes)) : InvalidValue);

    [UnmanagedCallersOnly]
    private static int HostAllocate(nint* address, nuint bytes, uint flags) => Enter("cuMemHostAlloc", true, fake => fake.Allocate(address, (long)bytes, "host memory"));

    [UnmanagedCallersOnly]
    private static int HostFree(nint address) => Enter("cuMemFreeHost", true, fake => fake.Destroy(address, "host memory", "cuMemFreeHost"));

    [UnmanagedCallersOnly]
    private static int StreamCreate(nint* stream, uint flags) => Enter("cuStreamCreate", true, fake => Give(stream, fake.Create(new FakeHandle("stream") { IsNonBlocking = flags == NonBlocking })));

    [UnmanagedCallersOnly]
    private static int StreamDestroy(nint stream) => Enter("cuStreamDestroy_v2", true, fake => fake.Destroy(stream, "stream", "cuStreamDestroy_v2"));

    [UnmanagedCallersOnly]
    private static int StreamSynchronize(nint stream) => Enter("cuStreamSynchronize", true, fake =>
    {
        if (fake.StateOf(stream)?.Recording is not null)
        {
            return CaptureUnsupported;
        }

        fake.Finish(stream);
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int BeginCapture(nint stream, int mode) => Enter("cuStreamBeginCapture_v2", true, fake =>
    {
        if (fake.StateOf(stream) is not { Kind: "stream", Recording: null } state)
        {
            return InvalidHandle;
        }

        state.Recording = [];
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int EndCapture(nint stream, nint* graph) => Enter("cuStreamEndCapture", true, fake =>
    {
        if (fake.StateOf(stream) is not { Recording: { } recording } state)
        {
            return InvalidHandle;
        }

        state.Recording = null;
        return Give(graph, fake.Create(new FakeHandle("graph") { Recording = recording }));
    });

    [UnmanagedCallersOnly]
    private static int Instantiate(nint* executable, nint graph, ulong flags) => Enter("cuGraphInstantiateWithFlags", true, fake =>
        fake.StateOf(graph) is { Kind: "graph" } state ? Give(executable, fake.Create(new FakeHandle("executable graph") { Recording = state.Recording })) : InvalidHandle);

    [UnmanagedCallersOnly]
    private static int GraphLaunch(nint executable, nint stream) => Enter("cuGraphLaunch", true, fake =>
    {
        if (fake.StateOf(executable) is not { Kind: "executable graph", Recording: { } recording })
        {
            return InvalidHandle;
        }

        int result = 0;
        foreach ((FakeLaunch? launch, Action work) in recording)
        {
            result = result == 0 ? fake.Submit(stream, launch, work) : result;
        }

        return result;
    });

    [UnmanagedCallersOnly]
    private static int ExecutableDestroy(nint executable) => Enter("cuGraphExecDestroy", true, fake => fake.Destroy(executable, "executable graph", "cuGraphExecDestroy"));

    [UnmanagedCallersOnly]
    private static int GraphDestroy(nint graph) => Enter("cuGraphDestroy", true, fake => fake.Destroy(graph, "graph", "cuGraphDestroy"));

    [UnmanagedCallersOnly]
    private static int EventCreate(nint* happening, uint flags) => Enter("cuEventCreate", true, fake => Give(happening, fake.Create(new FakeHandle("event"))));

    [UnmanagedCallersOnly]
    private static int EventDestroy(nint happening) => Enter("cuEventDestroy_v2", true, fake => fake.Destroy(happening, "event", "cuEventDestroy_v2"));

    [UnmanagedCallersOnly]
    private static int EventRecord(nint happening, nint stream) => Enter("cuEventRecord", true, fake =>
    {
        if (fake.StateOf(happening) is not { Kind: "event" } state)
        {
            return InvalidHandle;
        }

        (state.RecordedOn, state.TimeMilliseconds) = (stream, double.NaN);
        return fake.Submit(stream, () => state.TimeMilliseconds = fake._clockMilliseconds);
    });

    [UnmanagedCallersOnly]
    private static int EventSynchronize(nint happening) => Enter("cuEventSynchronize", true, fake =>
    {
        if (fake.StateOf(happening) is not { } state)
        {
            return InvalidHandle;
        }

        fake.Finish(state.RecordedOn);
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int EventElapsed(float* milliseconds, nint start, nint end) => Enter("cuEventElapsedTime", true, fake =>
        fake.StateOf(start) is not { Kind: "event" } first || fake.StateOf(end) is not { Kind: "event" } second ? InvalidHandle
        : double.IsNaN(first.TimeMilliseconds + second.TimeMilliseconds) ? NotReady
        : Give(milliseconds, (float)(second.TimeMilliseconds - first.TimeMilliseconds)));

    private static int Give<T>(T* place, T value)
        where T : unmanaged
    {
        *place = value;
        return 0;
    }

    private static bool IsOfAnEarlierFake(int number) => _current is not { } fake || number < fake._firstNumber;

    private FakeDevice DeviceOf(int number) => Devices[number - _firstNumber];

    private FakeHandle? StateOf(nint handle) => _handles.GetValueOrDefault(handle);
}
