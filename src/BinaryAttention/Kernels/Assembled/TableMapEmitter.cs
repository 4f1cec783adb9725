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

    /// <summary>Tables in the current tile's frame.</summary>
    public static CodeAddress OwnTables(TileFrame frame) => new(RegisterPlan.Current, frame.Tables);

    /// <summary>Writes the stage for one block.</summary>
    /// <param name="code">Receives the instructions.</param>
    /// <param name="tile">Rows computed together.</param>
    /// <param name="frame">Where the frame keeps offsets, tables and sums.</param>
    /// <param name="plan">Registers.</param>
    /// <param name="tables">The rows' tables.</param>
    /// <param name="blocksAhead">The block, counted from the one that the probability register points to.</param>
    /// <param name="wideDistances">Whether distances may exceed 128.</param>
    /// <param name="startsSums">Whether the row sums start here instead of being added to.</param>
    public static void Emit(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan, CodeAddress tables, int blocksAhead, bool wideDistances, bool startsSums = false)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            EmitRow(code, frame, plan, new CodeAddress(tables.Register, tables.Offset + (row * TileFrame.TableBytes)), row, ((blocksAhead * tile.Rows) + row) * Line, wideDistances, startsSums);
        }
    }

    private static void EmitRow(Assembler code, TileFrame frame, RegisterPlan plan, CodeAddress tables, int row, int position, bool wideDistances, bool startsSums)
    {
        AssemblerRegisterZMM numerator = plan.Side(0);
        AssemblerRegisterZMM residual = plan.Side(1);
        AssemblerRegisterZMM table = plan.Side(2);
        int offset = frame.Offsets + (row * Line);
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

        code.vmovdqa64(table, __[tables.Register + tables.Offset]);
        code.vmovdqa64(residual, numerator);
        code.vpermi2b(numerator, table, __[tables.Register + (tables.Offset + Line)]);
        code.vmovdqa64(__[RegisterPlan.Probabilities + position], numerator);
        code.vmovdqa64(table, __[tables.Register + (tables.Offset + (2 * Line))]);
        code.vpermi2b(residual, table, __[tables.Register + (tables.Offset + (3 * Line))]);
        code.vpxord(table, table, table);
        code.vpsadbw(numerator, numerator, table);
        code.vpsadbw(residual, residual, table);
        code.vpsllq(residual, residual, 32);
        code.vpaddq(numerator, numerator, residual);
        if (!startsSums)
        {
            code.vpaddq(numerator, numerator, __[RegisterPlan.Current + sums]);
        }

        code.vmovdqa64(__[RegisterPlan.Current + sums], numerator);
    }
}
