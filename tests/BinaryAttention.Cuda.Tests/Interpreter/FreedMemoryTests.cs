// Memory that was given back is no memory: a kernel that still uses it must show, by the interpreter alone and behind the fake driver.
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Ptx;
using TestKit.Cuda;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Interpreter;

public sealed class FreedMemoryTests
{
    [Fact]
    public void Finds_AWriteToARemovedBuffer()
    {
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer buffer = memory.Output("freed", 128);
        PtxKernel kernel = PtxParser.Parse(Writer().Source);
        PtxInterpreter.Run(kernel, (1, 1, 1), [(buffer.Address, 8)], 0, memory);
        memory.Remove(buffer);
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => PtxInterpreter.Run(kernel, (1, 1, 1), [(buffer.Address, 8)], 0, memory));
        Assert.Contains("lie in no buffer", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_ALaunchOverFreedDeviceMemory()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        var driver = new CudaDriver(fake.Table());
        Assert.Null(driver.Start());
        using var context = PrimaryContext.Retain(driver, driver.Device(0));
        using var kernel = LoadedKernel.Load(context, Writer());
        using var stream = StreamHandle.Create(context);
        var memory = DeviceMemory.Allocate(context, 128);
        ulong address = memory.Address;
        Launch(kernel, context, stream, address);
        stream.Synchronize();
        Assert.Empty(fake.Faults);
        memory.Dispose();
        Assert.Throws<CudaException>(() =>
        {
            Launch(kernel, context, stream, address);
            stream.Synchronize();
        });
        Assert.Contains("lie in no buffer", Assert.Single(fake.Faults), StringComparison.Ordinal);
    }

    private static void Launch(LoadedKernel kernel, PrimaryContext context, StreamHandle stream, ulong address)
    {
        using ContextScope scope = context.Enter();
        kernel.Launch(new LaunchShape(1, 1, 1), [KernelArgument.U64(address)], stream.Value);
    }

    private static PtxModule Writer()
    {
        var ptx = new PtxEmitter("writer");
        PtxRegister target = ptx.GlobalPointer();
        PtxRegister thread = ptx.Special("%tid.x");
        ptx.Store("global", "b32", ptx.Op("add.s64", target, ptx.Op("mul.wide.u32", thread, 4)), 0, thread);
        ptx.Return();
        return new PtxModule(ptx.ToText(32), "writer", 32, 0, 0);
    }
}
