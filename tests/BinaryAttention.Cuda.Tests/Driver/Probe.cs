using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Cuda.Kernels;
using TestKit.Cuda;

namespace BinaryAttention.Cuda.Tests.Driver;

/// <summary>A kernel with parameters of every size, for tests of what surrounds kernels.</summary>
internal static class Probe
{
    public static FakeDevice Device { get; } = new("Fake", 8, 0) { MemoryBytes = 1L << 26 };

    public static PtxModule Module { get; } = new(
        ".version 7.1\n.target sm_80\n.visible .entry probe(\n  .param .u64 a,\n  .param .u32 b,\n  .param .s32 c,\n  .param .f32 d\n)\n{ ret; }\n", "probe", 128, 0, 0);

    public static PrimaryContext Context(FakeDriver fake)
    {
        var driver = new CudaDriver(fake.Table());
        Xunit.Assert.Null(driver.Start());
        return PrimaryContext.Retain(driver, driver.Device(0));
    }

    public static void Launch(LoadedKernel kernel, PrimaryContext context, nint stream)
    {
        using ContextScope scope = context.Enter();
        kernel.Launch(new LaunchShape(3, 2, 1), [KernelArgument.U64(0x1122334455667788), KernelArgument.U32(0xFEDCBA98), KernelArgument.S32(-7), KernelArgument.F32(-1.5f)], stream);
    }
}
