// Distances of one block to probabilities, in place, and their exact sums:
//
//   index = min(distance - rowMinimum, 127)     P = numerators[index]     sumP += P     sumR += residuals[index]
//
// For distances up to 128 one saturating addition of 128 - rowMinimum does both: the lookup reads the low seven bits, and everything beyond the table, masked keys included, saturates
// to 255, whose low bits are entry 127. For longer distances it takes a subtraction and a minimum. Sums of absolute differences add up eight bytes to a 64-bit lane; residuals are
// stored plus 128 so that this works for them, and both sums share a lane, residuals in the upper half: a lane grows by at most 8 * 255 per block, 2^32 after two million blocks.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class TableMapEmitter
{
    private const int Line = TileFrame.Line;

    /// <summary>Writes the stage for one block.</summary>
    /// <param name="code">Receives the instructions.</param>
    /// <param name="tile">Rows computed together.</param>
    /// <param name="frame">Where the frame keeps offsets, tables and sums.</param>
    /// <param name="plan">Registers.</param>
    /// <param name="blocksAhead">The block, counted from the one that the probability register points to.</param>
    /// <param name="wideDistances">Whether distances may exceed 128.</param>
    public static void Emit(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan, int blocksAhead, bool wideDistances)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            EmitRow(code, frame, plan, row, ((blocksAhead * tile.Rows) + row) * Line, wideDistances);
        }
    }

    private static void EmitRow(Assembler code, TileFrame frame, RegisterPlan plan, int row, int position, bool wideDistances)
    {
        AssemblerRegisterZMM numerator = plan.Side(0);
        AssemblerRegisterZMM residual = plan.Side(1);
        AssemblerRegisterZMM table = plan.Side(2);
        int offset = frame.Offsets + (row * Line);
        int tables = frame.Tables + (row * TileFrame.TableBytes);
        int sums = frame.RowSums + (row * Line);
        code.vmovdqa64(numerator, __[RegisterPlan.Probabilities + position]);
        if (wideDistances)
        {
            code.vpsubusb(numerator, numerator, __[RegisterPlan.Current + offset]);
            code.vpminub(numerator, numerator, __[RegisterPlan.Current + frame.Limit]);
        }
        else
        {
            code.vpaddusb(numerator, numerator, __[RegisterPlan.Current + offset]);
        }

        code.vmovdqa64(table, __[RegisterPlan.Current + tables]);
        code.vmovdqa64(residual, numerator);
        code.vpermi2b(numerator, table, __[RegisterPlan.Current + tables + Line]);
        code.vmovdqa64(__[RegisterPlan.Probabilities + position], numerator);
        code.vmovdqa64(table, __[RegisterPlan.Current + tables + (2 * Line)]);
        code.vpermi2b(residual, table, __[RegisterPlan.Current + tables + (3 * Line)]);
        code.vpxord(table, table, table);
        code.vpsadbw(numerator, numerator, table);
        code.vpsadbw(residual, residual, table);
        code.vpsllq(residual, residual, 32);
        code.vpaddq(numerator, numerator, residual);
        code.vpaddq(numerator, numerator, __[RegisterPlan.Current + sums]);
        code.vmovdqa64(__[RegisterPlan.Current + sums], numerator);
    }
}
