// What the processor and the runtime's switches together allow. Only the runtime's answer counts: DOTNET_EnableAVX512=0 must turn kernels off.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels;

internal sealed record CpuFeatures
{
    public static CpuFeatures Current { get; } = new();

    public bool Vector128 { get; init; } = System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated;

    public bool Vector256 { get; init; } = System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated;

    public bool Vector512 { get; init; } = System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated;

    public bool Avx2 { get; init; } = System.Runtime.Intrinsics.X86.Avx2.IsSupported;

    public bool Fma { get; init; } = System.Runtime.Intrinsics.X86.Fma.IsSupported;

    public bool AvxVnni { get; init; } = System.Runtime.Intrinsics.X86.AvxVnni.IsSupported;

    public bool Avx512BW { get; init; } = System.Runtime.Intrinsics.X86.Avx512BW.IsSupported;

    public bool Avx512Vbmi { get; init; } = System.Runtime.Intrinsics.X86.Avx512Vbmi.IsSupported;

    /// <summary>512-bit VPDPBUSD, which .NET has no intrinsic for: the processor's own answer, and off with the runtime's AVX-512 switch.</summary>
    public bool Avx512Vnni { get; init; } = HasAvx512(ecxBit: 11);

    /// <summary>VPOPCNTB, likewise.</summary>
    public bool Avx512Bitalg { get; init; } = HasAvx512(ecxBit: 12);

    public bool AdvSimd { get; init; } = System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported;

    public bool ArmDotProduct { get; init; } = Dp.IsSupported;

    /// <summary>The names of the features that are on, for reports.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            List<string> names = [];
            void Add(bool on, string name)
            {
                if (on)
                {
                    names.Add(name);
                }
            }

            Add(Vector128, "Vector128");
            Add(Vector256, "Vector256");
            Add(Vector512, "Vector512");
            Add(Avx2, "AVX2");
            Add(Fma, "FMA");
            Add(AvxVnni, "AVX-VNNI");
            Add(Avx512BW, "AVX-512 F+BW+DQ");
            Add(Avx512Vbmi, "AVX-512 VBMI");
            Add(Avx512Vnni, "AVX-512 VNNI");
            Add(Avx512Bitalg, "AVX-512 BITALG");
            Add(AdvSimd, "AdvSimd");
            Add(ArmDotProduct, "Arm dot product");
            return names;
        }
    }

    /// <summary>The first feature that the assembled kernels need and this machine lacks, or null.</summary>
    public string? MissingForAssembled =>
        !Vector128 || !Vector512 ? "512-bit vectors"
        : !Avx512BW ? "AVX-512 F+BW+DQ"
        : !Avx512Vbmi ? "AVX-512 VBMI"
        : !Avx512Vnni ? "AVX-512 VNNI"
        : !Avx512Bitalg ? "AVX-512 BITALG"
        : null;

    // CPUID leaf 7. The operating system saves the 512-bit registers if the runtime says that AVX-512 is usable.
    private static bool HasAvx512(int ecxBit)
    {
        const int FeatureLeaf = 7;
        if (!System.Runtime.Intrinsics.X86.Avx512BW.IsSupported || X86Base.CpuId(0, 0).Eax < FeatureLeaf)
        {
            return false;
        }

        return ((X86Base.CpuId(FeatureLeaf, 0).Ecx >> ecxBit) & 1) != 0;
    }
}
