// Where a step's part of a per-tile operand lies: the source moves on by one part a step, or is computed from the listed tile.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

/// <param name="ptx">Receives the instructions.</param>
/// <param name="list">The tiles.</param>
/// <param name="start">The lane's address in part 0.</param>
/// <param name="stepBytes">Bytes of one part.</param>
internal sealed class TileSource(PtxEmitter ptx, TileList list, PtxRegister start, int stepBytes)
{
    private PtxRegister _address = list.IsListed ? start : ptx.Op("mov.b64", start);

    /// <summary>The address of a tile's part; <see cref="Next"/> must follow.</summary>
    public PtxRegister Of(PtxRegister tile) => list.IsListed ? ptx.Op("add.s64", start, ptx.Op("mul.wide.u32", tile, stepBytes)) : _address;

    /// <summary>Moves on.</summary>
    public void Next()
    {
        if (!list.IsListed)
        {
            ptx.Into(_address, "add.s64", _address, stepBytes);
        }
    }

    /// <summary>Goes to a step.</summary>
    public void Seek(PtxRegister step)
    {
        if (!list.IsListed)
        {
            ptx.Into(_address, "add.s64", start, ptx.Op("mul.wide.u32", step, stepBytes));
        }
    }
}
