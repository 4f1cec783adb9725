using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed class LaunchTests
{
    [Fact]
    public void Launch_PassesEveryArgumentByItsSize()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using (PrimaryContext context = Probe.Context(fake))
        {
            using var kernel = LoadedKernel.Load(context, Probe.Module);
            using var stream = StreamHandle.Create(context);
            Probe.Launch(kernel, context, stream.Value);
            FakeLaunch launch = Assert.Single(fake.Launches);
            Assert.Equal("probe", launch.EntryPoint);
            Assert.Equal((3u, 2u, 1u), launch.Grid);
            Assert.Equal(128, launch.ThreadsPerBlock);
            Assert.Equal(stream.Value, launch.Stream);
            Assert.Equal([0x1122334455667788, 0xFEDCBA98, unchecked((uint)-7), BitConverter.SingleToUInt32Bits(-1.5f)], launch.Arguments);
            Assert.Equal(96, kernel.Registers);
            Assert.Equal(16, kernel.BlocksPerMultiprocessor);
            Assert.Contains("ptxas", kernel.CompilerLog, StringComparison.Ordinal);
        }

        Assert.Empty(fake.Alive);
        Assert.Empty(fake.Faults);
    }

    [Fact]
    public void LargeSharedMemory_IsAskedForFirst()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var kernel = LoadedKernel.Load(context, Probe.Module with { DynamicSharedBytes = 100_000 });
        Probe.Launch(kernel, context, 0);
        Assert.Equal(100_000, Assert.Single(fake.Launches).DynamicSharedBytes);
        Assert.Contains("cuFuncSetAttribute", fake.Calls, StringComparer.Ordinal);

        CudaException tooMuch = Assert.Throws<CudaException>(() => LoadedKernel.Load(context, Probe.Module with { DynamicSharedBytes = 200_000 }));
        Assert.Equal("cuFuncSetAttribute", tooMuch.Call);
        Assert.Contains("200000 bytes", tooMuch.Message, StringComparison.Ordinal);
        Assert.Equal(["module"], fake.Alive);
    }

    [Fact]
    public void RefusedLaunch_NamesTheKernelAndItsGrid()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var kernel = LoadedKernel.Load(context, Probe.Module);
        fake.Fail("cuLaunchKernel", CudaStatus.LaunchOutOfResources);
        CudaException refused = Assert.Throws<CudaException>(() => Probe.Launch(kernel, context, 0));
        Assert.Contains("probe, grid 3 x 2 x 1, 128 threads", refused.Log, StringComparison.Ordinal);
        Assert.Contains("(701)", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, fake.PushedContexts);
    }

    [Fact]
    public void CompilerError_CarriesItsLog_AndLeavesNothing()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        fake.CompilerError = "ptxas application ptx input, line 9; error : Unknown modifier '.xor'";
        CudaException refused = Assert.Throws<CudaException>(() => LoadedKernel.Load(context, Probe.Module));
        Assert.Equal("cuModuleLoadDataEx", refused.Call);
        Assert.Equal(CudaStatus.InvalidPtx, refused.Code);
        Assert.Equal("CUDA_ERROR_FAKE_218", refused.ErrorName);
        Assert.Equal(fake.CompilerError, refused.Log);
        Assert.Contains("line 9; error : Unknown modifier '.xor'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("please report", refused.Message, StringComparison.Ordinal);
        Assert.Empty(fake.Alive);
        Assert.Equal(0, fake.PushedContexts);
    }

    [Fact]
    public void LongCompilerError_IsCutAtTheBuffer()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        fake.CompilerError = new string('x', 40_000);
        Assert.InRange(Assert.Throws<CudaException>(() => LoadedKernel.Load(context, Probe.Module)).Log!.Length, 16_000, 16_384);
    }

    [Fact]
    public void UnknownEntryPoint_NamesIt_AndUnloadsTheModule()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        CudaException missing = Assert.Throws<CudaException>(() => LoadedKernel.Load(context, Probe.Module with { EntryPoint = "other" }));
        Assert.Contains("\"other\"", missing.Message, StringComparison.Ordinal);
        Assert.Empty(fake.Alive);
    }

    [Fact]
    public void Graph_RecordsAndReplays()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using (PrimaryContext context = Probe.Context(fake))
        {
            using var kernel = LoadedKernel.Load(context, Probe.Module);
            using var stream = StreamHandle.Create(context);
            using GraphHandle graph = stream.Capture(() =>
            {
                Probe.Launch(kernel, context, stream.Value);
                Probe.Launch(kernel, context, stream.Value);
            });
            Assert.Empty(fake.Launches);
            using GraphExecutable executable = graph.Instantiate();
            executable.Launch(stream);
            executable.Launch(stream);
            Assert.Equal(4, fake.Launches.Count);
        }

        Assert.Empty(fake.Alive);
        Assert.Empty(fake.Faults);
    }

    [Fact]
    public void FailingCapture_EndsTheCapture()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var stream = StreamHandle.Create(context);
        Assert.Throws<CudaException>(() => stream.Capture(stream.Synchronize));
        stream.Synchronize();
        Assert.Equal(["stream"], fake.Alive);
        Assert.Equal(0, fake.PushedContexts);
    }

    [Fact]
    public void Events_MeasureWhatLiesBetweenThem()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var kernel = LoadedKernel.Load(context, Probe.Module);
        using var stream = StreamHandle.Create(context);
        using var start = EventHandle.Create(context);
        using var end = EventHandle.Create(context);
        start.Record(stream);
        Probe.Launch(kernel, context, stream.Value);
        Probe.Launch(kernel, context, stream.Value);
        end.Record(stream);
        end.Synchronize();
        Assert.Equal(1.0, end.MillisecondsSince(start), 6);
    }
}
