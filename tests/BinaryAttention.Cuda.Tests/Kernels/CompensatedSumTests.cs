// The row sums of log mode on as many parts as a row of 6.4 million keys has tiles.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Ptx;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class CompensatedSumTests
{
    private const int Parts = 100_000;
    private const float Part = 9.30001f;

    [Fact]
    public void DoesNotDrift()
    {
        float plain = 0;
        for (int i = 0; i < Parts; i++)
        {
            plain += Part;
        }

        const double Exact = (double)Part * Parts;
        Assert.True(Math.Abs(plain - Exact) > 1e-4 * Exact, "a plain sum would do");
        Assert.InRange(Run(), Exact * (1 - 1e-7), Exact * (1 + 1e-7));
    }

    private static float Run()
    {
        var ptx = new PtxEmitter("sum");
        PtxRegister target = ptx.GlobalPointer();
        PtxRegister address = ptx.Op("add.s64", target, ptx.Op("mul.wide.u32", ptx.Special("%tid.x"), 4));
        var sum = new CompensatedSum(ptx);
        PtxRegister part = ptx.Op("mov.f32", Part);
        PtxRegister left = ptx.Op("mov.b32", Parts);
        PtxLabel loop = ptx.Label("parts");
        ptx.Place(loop);
        sum.Add(part);
        ptx.Into(left, "sub.s32", left, 1);
        ptx.Branch(loop, ptx.Op("setp.gt.s32", left, 0));
        ptx.Store("global", "f32", address, 0, sum.Value);
        ptx.Return();
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer output = memory.Output("sum", 32 * 4);
        PtxInterpreter.Run(PtxParser.Parse(ptx.ToText(32)), (1, 1, 1), [(output.Address, 8)], 0, memory);
        return MemoryMarshal.Read<float>(output.Data);
    }
}
