// The device's exponential and logarithm: the first equals the CPU's bit for bit, because weights and tables are made with it; the second is close enough that a float32 result is off by at
// most one unit.
using System.Globalization;
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Ptx;
using BinaryAttention.Quantization;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class DoubleMathTests
{
    [Fact]
    public void Exponential_EqualsTheCpus()
    {
        var random = new Random(1);
        double[] arguments = [0, -0.0, -double.Epsilon, -700, -700.5, -1e300, -1, .. Enumerable.Range(0, 1017).Select(i => -random.NextDouble() * (i % 2 == 0 ? 1 : 720))];
        double[] results = Map(DoubleMath.Exp, arguments);
        for (int i = 0; i < arguments.Length; i++)
        {
            Assert.True(
                BitConverter.DoubleToInt64Bits(PortableExponential.Exp(arguments[i])) == BitConverter.DoubleToInt64Bits(results[i]),
                string.Create(CultureInfo.InvariantCulture, $"exp({arguments[i]:R}) is {results[i]:R}"));
        }
    }

    [Fact]
    public void Logarithm_IsWithinTwoUnits_OrTinyNearOne()
    {
        var random = new Random(2);
        double[] arguments = [1, 2, 0.5, 66_000, Math.Sqrt(2), 1.0000001, .. Enumerable.Range(0, 1018).Select(i => i % 2 == 0 ? 1 + random.NextDouble() : Math.Exp(random.NextDouble() * 20))];
        double[] results = Map(DoubleMath.Log, arguments);
        for (int i = 0; i < arguments.Length; i++)
        {
            double expected = Math.Log(arguments[i]);
            double tolerance = Math.Max(2 * (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)), 1e-16);
            Assert.True(Math.Abs(results[i] - expected) <= tolerance, string.Create(CultureInfo.InvariantCulture, $"log({arguments[i]:R}) is {results[i]:R}; expected {expected:R}"));
        }
    }

    private static double[] Map(Func<PtxEmitter, PtxRegister, PtxRegister> function, double[] arguments)
    {
        var ptx = new PtxEmitter("map");
        PtxRegister source = ptx.GlobalPointer();
        PtxRegister target = ptx.GlobalPointer();
        PtxRegister offset = ptx.Op("mul.wide.u32", ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), 32, ptx.Special("%tid.x")), 8);
        PtxRegister x = ptx.Load("global", "f64", ptx.Op("add.s64", source, offset));
        ptx.Store("global", "f64", ptx.Op("add.s64", target, offset), 0, function(ptx, x));
        ptx.Return();
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer input = memory.Input<double>("x", arguments);
        PtxGlobalBuffer output = memory.Output("y", arguments.Length * 8);
        PtxInterpreter.Run(PtxParser.Parse(ptx.ToText(32)), ((uint)(arguments.Length / 32), 1, 1), [(input.Address, 8), (output.Address, 8)], 0, memory);
        return MemoryMarshal.Cast<byte, double>(output.Data).ToArray();
    }
}
