using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed class LifetimeTests
{
    // Calls that give something back, or without which nothing can be: if one of them fails there is nothing left to do about what it should have freed.
    private static readonly string[] Frees = ["cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2", "Destroy", "Free", "Unload", "Release"];

    [Fact]
    public void EverythingIsFreedOnce_AndContextsBalance()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        UseEverything(fake);
        AssertClean(fake);
        foreach ((string make, string free) in new[]
        {
            ("cuMemAlloc_v2", "cuMemFree_v2"), ("cuMemHostAlloc", "cuMemFreeHost"), ("cuStreamCreate", "cuStreamDestroy_v2"),
            ("cuEventCreate", "cuEventDestroy_v2"), ("cuModuleLoadDataEx", "cuModuleUnload"), ("cuStreamEndCapture", "cuGraphDestroy"), ("cuGraphInstantiateWithFlags", "cuGraphExecDestroy"),
            ("cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2"), ("cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2"),
        })
        {
            int made = fake.Calls.Count(call => call == make);
            Assert.True(made > 0, $"{make} was not called");
            Assert.Equal(made, fake.Calls.Count(call => call == free));
        }
    }

    /// <summary>Whatever fails and whenever: no handle is left, none is freed twice, no context stays pushed.</summary>
    [Fact]
    public void EveryFailure_LeavesNothingBehind()
    {
        string[] calls;
        using (FakeDriver fake = FakeDriver.Start(Probe.Device))
        {
            UseEverything(fake);
            calls = [.. fake.Calls.Where(call => !Frees.Any(free => call.Contains(free, StringComparison.Ordinal)))];
        }

        int failed = 0;
        foreach (IGrouping<string, string> call in calls.GroupBy(call => call, StringComparer.Ordinal))
        {
            for (int after = 0; after < call.Count(); after++)
            {
                using FakeDriver fake = FakeDriver.Start(Probe.Device);
                fake.Fail(call.Key, 999, after);
                try
                {
                    UseEverything(fake);
                    Assert.Equal("cuInit", call.Key);
                }
                catch (CudaException problem)
                {
                    Assert.Equal(call.Key, problem.Call);
                    failed++;
                }
                catch (Xunit.Sdk.NullException)
                {
                    continue; // the start of the driver gives a reason instead of an exception
                }

                AssertClean(fake);
            }
        }

        Assert.True(failed >= 20, $"only {failed} failures were tried");
    }

    [Fact]
    public void FailingPush_IsReported_AndHoldsNothing()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using (PrimaryContext context = Probe.Context(fake))
        {
            fake.Fail("cuCtxPushCurrent_v2", CudaStatus.InvalidContext);
            Assert.Equal("cuCtxPushCurrent_v2", Assert.Throws<CudaException>(() => DeviceMemory.Allocate(context, 8)).Call);
        }

        AssertClean(fake);
    }

    [Fact]
    public void Context_OutlivesItsObject_WhileSomethingLivesInIt()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        PrimaryContext context = Probe.Context(fake);
        var memory = DeviceMemory.Allocate(context, 100);
        context.Dispose();
        Assert.Equal(1, fake.RetainedContexts);
        memory.Dispose();
        memory.Dispose();
        AssertClean(fake);
    }

    [Fact]
    public void DisposedHandle_IsRefused()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        var memory = DeviceMemory.Allocate(context, 100);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Address);
    }

    [Fact]
    public void OutOfMemory_HasItsRemedy()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        CudaException problem = Assert.Throws<CudaException>(() => DeviceMemory.Allocate(context, 1L << 40));
        Assert.Equal("cuMemAlloc_v2", problem.Call);
        Assert.Equal(CudaStatus.OutOfMemory, problem.Code);
        Assert.Contains("Free memory of the device", problem.Message, StringComparison.Ordinal);
    }

    private static void AssertClean(FakeDriver fake)
    {
        Assert.Empty(fake.Faults);
        Assert.Empty(fake.Alive);
        Assert.Equal(0, fake.PushedContexts);
        Assert.Equal(0, fake.RetainedContexts);
    }

    private static void UseEverything(FakeDriver fake)
    {
        using PrimaryContext context = Probe.Context(fake);
        using var kernel = LoadedKernel.Load(context, Probe.Module with { DynamicSharedBytes = 64 * 1024 });
        using var stream = StreamHandle.Create(context);
        using var start = EventHandle.Create(context);
        using var end = EventHandle.Create(context);
        using var memory = DeviceMemory.Allocate(context, 1000);
        using var pinned = PinnedMemory.Allocate(context, 1000);
        start.Record(stream);
        Probe.Launch(kernel, context, stream.Value);
        end.Record(stream);
        stream.Synchronize();
        end.Synchronize();
        _ = end.MillisecondsSince(start);
        using GraphHandle graph = stream.Capture(() => Probe.Launch(kernel, context, stream.Value));
        using GraphExecutable executable = graph.Instantiate();
        executable.Launch(stream);
    }
}
