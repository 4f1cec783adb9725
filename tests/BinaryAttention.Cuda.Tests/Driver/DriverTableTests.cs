using BinaryAttention.Cuda.Driver;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed class DriverTableTests
{
    // The CUDA version in which each call took the signature that is called: the numbers of cudaTypedefs.h (CUDA 11.6), PFN_cuInit_v2000 and so on, checked against that header and not taken
    // from the table or from the fake. The exported name has _v2 where cuda.h's macros put it.
    private static readonly Dictionary<string, int> Appeared = new(StringComparer.Ordinal)
    {
        ["cuInit"] = 2_000,
        ["cuDriverGetVersion"] = 2_020,
        ["cuGetErrorName"] = 6_000,
        ["cuGetErrorString"] = 6_000,
        ["cuDeviceGetCount"] = 2_000,
        ["cuDeviceGet"] = 2_000,
        ["cuDeviceGetName"] = 2_000,
        ["cuDeviceGetAttribute"] = 2_000,
        ["cuDeviceTotalMem_v2"] = 3_020,
        ["cuDeviceGetUuid"] = 9_020,
        ["cuDevicePrimaryCtxRetain"] = 7_000,
        ["cuDevicePrimaryCtxRelease_v2"] = 11_000,
        ["cuCtxPushCurrent_v2"] = 4_000,
        ["cuCtxPopCurrent_v2"] = 4_000,
        ["cuModuleLoadDataEx"] = 2_010,
        ["cuModuleUnload"] = 2_000,
        ["cuModuleGetFunction"] = 2_000,
        ["cuFuncGetAttribute"] = 2_020,
        ["cuFuncSetAttribute"] = 9_000,
        ["cuOccupancyMaxActiveBlocksPerMultiprocessor"] = 6_050,
        ["cuLaunchKernel"] = 4_000,
        ["cuMemAlloc_v2"] = 3_020,
        ["cuMemFree_v2"] = 3_020,
        ["cuMemGetInfo_v2"] = 3_020,
        ["cuMemcpyDtoH_v2"] = 3_020,
        ["cuMemcpyHtoDAsync_v2"] = 3_020,
        ["cuMemcpyDtoHAsync_v2"] = 3_020,
        ["cuMemsetD8Async"] = 3_020,
        ["cuMemHostAlloc"] = 2_020,
        ["cuMemFreeHost"] = 2_000,
        ["cuStreamCreate"] = 2_000,
        ["cuStreamDestroy_v2"] = 4_000,
        ["cuStreamSynchronize"] = 2_000,
        ["cuStreamBeginCapture_v2"] = 10_010,
        ["cuStreamEndCapture"] = 10_000,
        ["cuGraphInstantiateWithFlags"] = 11_040,
        ["cuGraphLaunch"] = 10_000,
        ["cuGraphExecDestroy"] = 10_000,
        ["cuGraphDestroy"] = 10_000,
        ["cuEventCreate"] = 2_000,
        ["cuEventDestroy_v2"] = 4_000,
        ["cuEventRecord"] = 2_000,
        ["cuEventSynchronize"] = 2_000,
        ["cuEventElapsedTime"] = 2_000,
    };

    [Fact]
    public void EveryCall_IsInTheOldestDriverThatIsTaken()
    {
        List<string> asked = [];
        _ = new DriverTable(call =>
        {
            asked.Add(call);
            return 1;
        });
        Assert.Equal(Appeared.Keys.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
        Assert.Equal(CudaDriver.MinimumVersion, Appeared.Values.Max());
    }

    // Both lists are this repository's own: this shows that the fake can stand for the driver, not that the driver has the names.
    [Fact]
    public void ResolvesEachCallOnce()
    {
        List<string> asked = [];
        var table = new DriverTable(call =>
        {
            asked.Add(call);
            return 1;
        });
        Assert.Empty(table.Missing);
        Assert.Equal(asked.Distinct(StringComparer.Ordinal).Count(), asked.Count);
        Assert.Equal(FakeDriver.KnownCalls.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ListsWhatIsMissing()
    {
        var table = new DriverTable(call => call is "cuGraphLaunch" or "cuInit" ? 0 : 1);
        Assert.Equal(["cuInit", "cuGraphLaunch"], table.Missing);
    }

    [Fact]
    public unsafe void HasOnePlaceForEachCall()
    {
        long next = 0;
        var table = new DriverTable(_ => (nint)(++next));
        var places = new HashSet<nint>();
        foreach (System.Reflection.FieldInfo field in typeof(DriverTable).GetFields().Where(field => field.FieldType.IsFunctionPointer))
        {
            Assert.True(places.Add((nint)field.GetValue(table)!), $"{field.Name} repeats another call's address");
        }

        Assert.Equal(next, places.Count);
    }
}
