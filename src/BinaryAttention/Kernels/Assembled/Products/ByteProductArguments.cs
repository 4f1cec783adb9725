// What the generated product kernel is called with; the code reads the fields by offset.
using System.Runtime.InteropServices;

namespace BinaryAttention.Kernels.Assembled.Products;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ByteProductArguments
{
    /// <summary>First of the tile's rows of unsigned bytes.</summary>
    public byte* Rows;

    /// <summary>Bytes from row to row.</summary>
    public long RowBytes;

    /// <summary>Turns of <see cref="ByteProductEmitter.TurnBytes"/> bytes of every row, at least 1.</summary>
    public long Turns;

    /// <summary>Signed weights: for every four bytes of a row, four weights of each of the tile's columns.</summary>
    public sbyte* Panel;

    /// <summary>Receives the sums, <c>[rows, columns]</c>.</summary>
    public int* Sums;
}
