// Probabilities times values, exact integers: sums[row][channel] += P[row][4 keys] . V[4 keys][channel], one VPDPBUSD for 4 keys and 16 channels. Per group of four keys: one load per
// vector of values, one broadcast per row, rows * vectors multiply-adds, which issue two a cycle on Zen 5 and one a cycle on Zen 4; nothing else comes near that limit.
// Overflow: a lane grows by at most 255 * 127 per key; the caller empties the sums after at most 65,536 keys.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class ValueProductEmitter
{
    /// <summary>Keys of one multiply-add.</summary>
    public const int GroupKeys = 4;

    private const int Line = TileFrame.Line;

    /// <summary>Writes the stage for some groups of a block.</summary>
    public static void Emit(Assembler code, TileShape tile, RegisterPlan plan, int groups, int rowBytes)
    {
        for (int group = 0; group < groups; group++)
        {
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                code.vmovdqa64(plan.Value(vector), __[RegisterPlan.Values + (((group * tile.Vectors) + vector) * Line)]);
            }

            for (int row = 0; row < tile.Rows; row++)
            {
                code.vpbroadcastd(plan.Probability, __dword_ptr[RegisterPlan.Probabilities + (row * rowBytes) + (group * GroupKeys)]);
                for (int vector = 0; vector < tile.Vectors; vector++)
                {
                    code.vpdpbusd(plan.Sum(row, vector), plan.Probability, plan.Value(vector));
                }
            }
        }
    }
}
