// The portable kernel of 8-bit attention, put together from the widest 8-bit product and the widest floats that are supported.
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.EightBit;

internal static class EightBitComposition
{
    public static KernelRun Create(AttentionSpecification specification, CpuFeatures cpu) =>
        cpu.AvxVnni && cpu.Avx2 ? WithProduct<Vector256<int>, IntegerLanesVnni>(specification, cpu)
        : cpu.Avx512BW ? WithProduct<Vector512<int>, IntegerLanes512>(specification, cpu)
        : cpu.Avx2 ? WithProduct<Vector256<int>, IntegerLanes256>(specification, cpu)
        : WithProduct<Vector128<int>, IntegerLanes128>(specification, cpu);

    private static KernelRun WithProduct<TInteger, TIntegerLanes>(AttentionSpecification specification, CpuFeatures cpu)
        where TInteger : struct
        where TIntegerLanes : struct, IIntegerLanes<TInteger> =>
        SimdComposition.Use512Float(cpu) ? new EightBitRun<TInteger, TIntegerLanes, Vector512<float>, FloatLanes512>(specification)
        : SimdComposition.Use256Float(cpu) ? new EightBitRun<TInteger, TIntegerLanes, Vector256<float>, FloatLanes256>(specification)
        : new EightBitRun<TInteger, TIntegerLanes, Vector128<float>, FloatLanes128>(specification);
}
