// Puts the portable kernel together from three independent choices: byte-table lookups, 8-bit products, float lanes. Each choice is the widest that is supported; mixtures are normal
// (AVX-512 lookups with the 256-bit VNNI product, for example).
using System.Runtime.Intrinsics;

namespace BinaryAttention.Kernels.Simd;

internal static class SimdComposition
{
    public static string Describe(CpuFeatures cpu)
    {
        string lookup = Use512Lookup(cpu) ? "AVX-512 VBMI lookups" : cpu.Avx2 ? "AVX2 lookups" : "128-bit lookups";
        string product = UseVnni(cpu) ? "AVX-VNNI products" : Use512Product(cpu) ? "AVX-512 products" : cpu.Avx2 ? "AVX2 products" : "128-bit products";
        return $"{lookup}, {product}, {(Use512Float(cpu) ? 512 : Use256Float(cpu) ? 256 : 128)}-bit floats";
    }

    public static KernelRun CreateExact(AttentionSpecification specification, CpuFeatures cpu) =>
        Use512Float(cpu) ? new SimdExactRun<Vector512<float>, FloatLanes512>(specification)
        : Use256Float(cpu) ? new SimdExactRun<Vector256<float>, FloatLanes256>(specification)
        : new SimdExactRun<Vector128<float>, FloatLanes128>(specification);

    public static KernelRun CreateBinary(AttentionSpecification specification, CpuFeatures cpu) =>
        Use512Lookup(cpu) ? WithLookup<HammingLookup512>(specification, cpu)
        : cpu.Avx2 ? WithLookup<HammingLookup256>(specification, cpu)
        : WithLookup<HammingLookup128>(specification, cpu);

    public static bool Use512Lookup(CpuFeatures cpu) => cpu.Avx512Vbmi && cpu.Avx512BW;

    private static bool UseVnni(CpuFeatures cpu) => cpu.AvxVnni && cpu.Avx2;

    private static bool Use512Product(CpuFeatures cpu) => cpu.Avx512BW;

    public static bool Use512Float(CpuFeatures cpu) => cpu.Vector512 && cpu.Avx512BW;

    public static bool Use256Float(CpuFeatures cpu) => cpu.Avx2 && cpu.Fma;

    private static KernelRun WithLookup<TLookup>(AttentionSpecification specification, CpuFeatures cpu)
        where TLookup : struct, IHammingLookup =>
        UseVnni(cpu) ? WithProduct<TLookup, Vector256<int>, IntegerLanesVnni>(specification, cpu)
        : Use512Product(cpu) ? WithProduct<TLookup, Vector512<int>, IntegerLanes512>(specification, cpu)
        : cpu.Avx2 ? WithProduct<TLookup, Vector256<int>, IntegerLanes256>(specification, cpu)
        : WithProduct<TLookup, Vector128<int>, IntegerLanes128>(specification, cpu);

    private static KernelRun WithProduct<TLookup, TInteger, TIntegerLanes>(AttentionSpecification specification, CpuFeatures cpu)
        where TLookup : struct, IHammingLookup
        where TInteger : struct
        where TIntegerLanes : struct, IIntegerLanes<TInteger> =>
        Use512Float(cpu) ? new SimdBinaryRun<TLookup, TInteger, TIntegerLanes, Vector512<float>, FloatLanes512>(specification)
        : Use256Float(cpu) ? new SimdBinaryRun<TLookup, TInteger, TIntegerLanes, Vector256<float>, FloatLanes256>(specification)
        : new SimdBinaryRun<TLookup, TInteger, TIntegerLanes, Vector128<float>, FloatLanes128>(specification);
}
