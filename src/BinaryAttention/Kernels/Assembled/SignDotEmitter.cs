// Hamming distances of a tile's queries against one block of 64 keys, as bytes, and their running minima:
//
//   distance[row][key] = sum over planes of popcount(keyCode[plane][key] xor queryCode[row][plane])
//
// Codes have 8 bits, one VPOPCNTB counts 64 keys; on Zen 5 this takes eight counts where 6-bit tables take eleven lookups, and no table has to be built. Queries that share a loaded
// plane need a register each, so as many share it as the plan has registers left. A byte cannot overflow: distances are at most the head dimension, at most 254.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class SignDotEmitter
{
    private const int Line = TileFrame.Line;

    /// <summary>Query codes in the next tile's frame.</summary>
    public static CodeAddress OwnCodes(TileFrame frame) => new(RegisterPlan.Next, frame.QueryCodes);

    /// <summary>Writes the stage for one block.</summary>
    /// <param name="code">Receives the instructions.</param>
    /// <param name="tile">Rows computed together.</param>
    /// <param name="frame">Where the frame keeps codes, minima and masks.</param>
    /// <param name="plan">Registers.</param>
    /// <param name="queryCodes">The rows' query codes.</param>
    /// <param name="isLastBlock">Whether lanes without a key must become 255; their mask lies where the counter register points.</param>
    /// <param name="hasMask">Whether every row has a mask word.</param>
    public static void Emit(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan, CodeAddress queryCodes, bool isLastBlock, bool hasMask)
    {
        // One row needs two registers: its plane, overwritten, and its sum. Several rows need the plane, a temporary and their sums.
        int shared = Math.Max(1, plan.SideCount - 2);
        for (int row = 0; row < tile.Rows; row += shared)
        {
            int count = Math.Min(shared, tile.Rows - row);
            Count(code, frame.Planes, queryCodes, plan, row, count);
            for (int i = 0; i < count; i++)
            {
                Finish(code, frame, plan, row + i, plan.Side(i), isLastBlock, hasMask);
            }
        }
    }

    /// <summary>Counts the differing bits of some rows, which share every loaded plane; the sums end up in the first side registers. Uses two more.</summary>
    public static void Count(Assembler code, int planes, CodeAddress queryCodes, RegisterPlan plan, int firstRow, int count)
    {
        AssemblerRegisterZMM keys = plan.Side(count);
        for (int plane = 0; plane < planes; plane++)
        {
            code.vmovdqa64(keys, __[RegisterPlan.Codes + (plane * Line)]);
            for (int i = 0; i < count; i++)
            {
                // The last row may overwrite the plane.
                AssemblerRegisterZMM differing = i == count - 1 ? keys : plan.Side(count + 1);
                AssemblerRegisterZMM sum = plan.Side(i);
                code.vpxord(differing, keys, __dword_bcst[queryCodes.Register + (queryCodes.Offset + ((firstRow + i) * planes * TileFrame.CodeBytes) + (plane * TileFrame.CodeBytes))]);
                code.vpopcntb(plane == 0 ? sum : differing, differing);
                if (plane > 0)
                {
                    code.vpaddb(sum, sum, differing);
                }
            }
        }
    }

    private static void Finish(Assembler code, TileFrame frame, RegisterPlan plan, int row, AssemblerRegisterZMM distance, bool isLastBlock, bool hasMask)
    {
        if (isLastBlock)
        {
            code.vporq(distance, distance, __[RegisterPlan.Counter]);
        }

        if (hasMask)
        {
            code.kmovq(k1, __[RegisterPlan.Mask + (row * sizeof(ulong))]);
            code.knotq(k1, k1);
            code.vmovdqu8(distance.k1, __[RegisterPlan.Next + frame.Ones]);
        }

        int minimum = frame.Minima + (row * Line);
        code.vmovdqa64(__[RegisterPlan.Distances + (row * Line)], distance);
        code.vpminub(distance, distance, __[RegisterPlan.Next + minimum]);
        code.vmovdqa64(__[RegisterPlan.Next + minimum], distance);
    }
}
