// Scores of 16 query rows with 8 keys: channels with equal signs, d - hammingDistance, times the variant's score unit. The forms differ in what the device multiplies; all give the same
// integers in the same places: c0, c1 at row g, columns 2 t and 2 t + 1, c2, c3 at row g + 8 (g = lane / 4, t = lane mod 4).
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal abstract class SignProducts
{
    /// <summary>The products of a variant's form; loads the warp's query fragments.</summary>
    public static SignProducts Create(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister queryWords) => variant.Form switch
    {
        SignProductForm.XorPopcount => new XorSignProducts(ptx, variant, block, queryWords),
        SignProductForm.SignedBytes => new ByteSignProducts(ptx, variant, block, queryWords),
        _ => new AndSignProducts(ptx, variant, block, queryWords),
    };

    /// <summary>The lane's part of a key buffer's address.</summary>
    public abstract PtxRegister KeyAddress(PtxRegister buffer);

    /// <summary>The right operand of column tile <paramref name="tile"/>; tiles of one address are asked for in ascending order, from 0.</summary>
    public abstract PtxRegister[] Keys(PtxRegister keyAddress, int tile);

    /// <summary>Scores of one row tile with eight keys: c0 .. c3.</summary>
    public abstract PtxRegister[] Scores(int rowTile, PtxRegister[] keys);

    /// <summary>One 32-bit word of every row of the lane, from an offset inside the row; rows beyond the last read the last.</summary>
    /// <param name="ptx">Receives the instructions.</param>
    /// <param name="block">Rows.</param>
    /// <param name="layout">Bytes of a row.</param>
    /// <param name="signs">[heads, queryLength, token bytes].</param>
    /// <param name="laneBytes">The lane's offset inside a row.</param>
    /// <param name="offsets">Further offsets, one word each.</param>
    /// <returns>[row][offset].</returns>
    protected static PtxRegister[][] QueryWords(PtxEmitter ptx, AttentionBlock block, TileLayout layout, PtxRegister signs, PtxRegister laneBytes, params int[] offsets)
    {
        PtxRegister headRow = ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        PtxRegister wideLane = ptx.Op("cvt.u64.u32", laneBytes);
        int shift = int.Log2(layout.TokenBytes);
        return block.Rows.Select(laneRow =>
        {
            PtxRegister row = ptx.Op("min.s32", laneRow, block.LastRow);
            PtxRegister index = ptx.Op("add.s64", headRow, ptx.Op("cvt.u64.u32", row));
            PtxRegister address = ptx.Op("add.s64", ptx.Op("add.s64", signs, ptx.Op("shl.b64", index, shift)), wideLane);
            return offsets.Select(offset => ptx.Load("global.nc", "b32", address, offset)).ToArray();
        }).ToArray();
    }
}
