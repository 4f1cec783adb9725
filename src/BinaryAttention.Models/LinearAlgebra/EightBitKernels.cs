// What the inner kernels of the 8-bit product need and how they want weights and activations laid out.
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Kernels.Assembled.Products;

namespace BinaryAttention.Models.LinearAlgebra;

internal static class EightBitKernels
{
    /// <summary>The best kernel that this process can run.</summary>
    public static EightBitKernel Preferred { get; } = Enum.GetValues<EightBitKernel>().Where(IsSupported).Max();

    public static bool IsSupported(EightBitKernel kernel) => kernel switch
    {
        EightBitKernel.Short128 => true,
        EightBitKernel.Short256 => Avx2.IsSupported,
        EightBitKernel.Short512 => Avx512BW.IsSupported,
        EightBitKernel.Byte256 => AvxVnni.IsSupported,
        _ => ByteProduct.WhyNot is null,
    };

    /// <summary>Channels in a 32-bit word.</summary>
    public static int WordChannels(this EightBitKernel kernel) => kernel is EightBitKernel.Byte256 or EightBitKernel.Assembled512 ? 4 : 2;

    /// <summary>Outputs whose weights lie together.</summary>
    public static int PanelColumns(this EightBitKernel kernel) => kernel switch
    {
        EightBitKernel.Short128 => 8,
        EightBitKernel.Short256 or EightBitKernel.Byte256 => 16,
        EightBitKernel.Short512 => 32,
        _ => ByteProductEmitter.Columns,
    };

    /// <summary>Rows and columns are padded with zeros to whole multiples of so many words.</summary>
    public static int WordMultiple(this EightBitKernel kernel) => kernel == EightBitKernel.Assembled512 ? ByteProductEmitter.TurnBytes / sizeof(int) : 1;
}
