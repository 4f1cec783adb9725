// One kernel parameter: its bits and its size in the parameter list.
namespace BinaryAttention.Cuda.Kernels;

/// <param name="Bits">The value; a 4-byte argument lies in the lower half.</param>
/// <param name="SizeBytes">4 or 8.</param>
internal readonly record struct KernelArgument(ulong Bits, int SizeBytes)
{
    public static KernelArgument U64(ulong value) => new(value, 8);

    public static KernelArgument U32(uint value) => new(value, 4);

    public static KernelArgument S32(int value) => new((uint)value, 4);

    public static KernelArgument F32(float value) => new(BitConverter.SingleToUInt32Bits(value), 4);
}
