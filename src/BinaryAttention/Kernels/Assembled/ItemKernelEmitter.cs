// A kernel for a whole work item in table mode without masks: every tile of the item, its tables' offsets and its epilogue in one call. At 197 keys a tile takes 0.2 microseconds, of which plain
// code between two calls would take a third.
//
//   distances of tile 0
//   for each tile
//     blocks        values(b) with map(b + 1) and the next tile's signDot(b)
//     last block    its values with the next tile's signDot(last) and table offsets, 128 - the row's smallest distance
//     next tile     map(0)
//     epilogue      output = (sum * factor) * scale + mean
//
// The order keeps chains of dependent instructions apart: what the next tile waits for starts before the epilogue. Behind the last tile comes one that nobody reads.
// The epilogue reads the sums where they are. Its operations are those of RowResult and OutputRow in the same order, none fused.
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class ItemKernelEmitter
{
    private const int Line = TileFrame.Line;
    private const int BlockGroups = Bits.KeyCodes.BlockKeys / ValueProductEmitter.GroupKeys;
    private const int GranuleGroups = 4;

    // Rows whose sums are reduced together, one 64-bit lane each.
    private const int SumRows = 8;
    private const int SumRegisters = 5;

    // 128-bit parts of two registers: the low halves, the high halves; even parts, odd parts.
    private const byte LowHalves = 0x44;
    private const byte HighHalves = 0xEE;
    private const byte EvenParts = 0x88;
    private const byte OddParts = 0xDD;

    public static Assembler Emit(KernelSpecification specification, bool isWindows)
    {
        Assembler code = InstructionStream.New();
        TileShape tile = specification.Tile;
        var frame = new TileFrame(tile, specification.Planes);
        var plan = new RegisterPlan(tile);
        var queryCodes = new CodeAddress(RegisterPlan.ItemQueryCodes, 0);
        var tables = new CodeAddress(RegisterPlan.ItemTables, 0);
        CallFrame.Enter(code, isWindows);
        code.mov(RegisterPlan.Current, Argument(nameof(ItemArguments.Frame)));
        code.mov(RegisterPlan.Next, RegisterPlan.Current);
        code.mov(RegisterPlan.ItemQueryCodes, Argument(nameof(ItemArguments.QueryCodes)));
        code.mov(RegisterPlan.ItemTables, Argument(nameof(ItemArguments.Tables)));
        code.mov(RegisterPlan.ItemOutput, Argument(nameof(ItemArguments.Output)));
        ResetMinima(code, tile, frame, plan);
        EmitFirstDistances(code, specification, frame, plan, queryCodes);
        EmitOffsets(code, tile, frame, plan);
        SwapDistances(code);
        TableMapEmitter.Emit(code, tile, frame, plan, tables, blocksAhead: 0, wideDistances: false, startsSums: true);

        Label nextTile = code.CreateLabel();
        code.Label(ref nextTile);
        code.add(RegisterPlan.ItemQueryCodes, tile.Rows * frame.QueryCodeBytes);
        code.mov(RegisterPlan.Values, Argument(nameof(ItemArguments.Values)));
        code.mov(RegisterPlan.Codes, Argument(nameof(ItemArguments.Codes)));
        ClearSums(code, tile, plan);
        EmitBlocks(code, specification, frame, plan, queryCodes, tables);
        EmitLastBlock(code, specification, frame, plan, queryCodes);
        EmitFactors(code, tile, frame);
        SwapDistances(code);
        code.add(RegisterPlan.ItemTables, Argument(nameof(ItemArguments.TableStep)));
        TableMapEmitter.Emit(code, tile, frame, plan, tables, blocksAhead: 0, wideDistances: false, startsSums: true);
        EmitOutput(code, tile, frame, plan);
        code.dec(Argument(nameof(ItemArguments.Tiles)));
        code.jnz(nextTile);
        CallFrame.Leave(code, isWindows);
        return code;
    }

    private static AssemblerMemoryOperand Argument(string field) => __qword_ptr[RegisterPlan.Arguments + (int)Marshal.OffsetOf<ItemArguments>(field)];

    private static void Clear(Assembler code, AssemblerRegisterZMM register) => code.vpxord(register, register, register);

    private static void ClearSums(Assembler code, TileShape tile, RegisterPlan plan)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                AssemblerRegisterZMM sum = plan.Sum(row, vector);
                code.vpxord(sum, sum, sum);
            }
        }
    }

    private static void ResetMinima(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan)
    {
        AssemblerRegisterZMM ones = plan.Side(0);
        code.vpternlogd(ones, ones, ones, 0xFF);
        for (int row = 0; row < tile.Rows; row++)
        {
            code.vmovdqa64(__[RegisterPlan.Next + (frame.Minima + (row * Line))], ones);
        }
    }

    private static void EmitFirstDistances(Assembler code, KernelSpecification specification, TileFrame frame, RegisterPlan plan, CodeAddress queryCodes)
    {
        Label loop = code.CreateLabel();
        Label last = code.CreateLabel();
        code.mov(RegisterPlan.Codes, Argument(nameof(ItemArguments.Codes)));
        code.mov(RegisterPlan.Distances, Argument(nameof(ItemArguments.Distances)));
        code.mov(RegisterPlan.Counter, Argument(nameof(ItemArguments.FullBlocks)));
        code.test(RegisterPlan.Counter, RegisterPlan.Counter);
        code.jz(last);
        code.Label(ref loop);
        SignDotEmitter.Emit(code, specification.Tile, frame, plan, queryCodes, isLastBlock: false, hasMask: false);
        code.add(RegisterPlan.Codes, frame.Planes * Line);
        code.add(RegisterPlan.Distances, specification.Tile.Rows * Line);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
        code.Label(ref last);
        code.mov(RegisterPlan.Counter, Argument(nameof(ItemArguments.TailMask)));
        SignDotEmitter.Emit(code, specification.Tile, frame, plan, queryCodes, isLastBlock: true, hasMask: false);
    }

    // What was the next tile becomes the current one.
    private static void SwapDistances(Assembler code)
    {
        code.mov(RegisterPlan.Probabilities, Argument(nameof(ItemArguments.Distances)));
        code.mov(RegisterPlan.Distances, Argument(nameof(ItemArguments.Probabilities)));
        code.mov(Argument(nameof(ItemArguments.Probabilities)), RegisterPlan.Probabilities);
        code.mov(Argument(nameof(ItemArguments.Distances)), RegisterPlan.Distances);
    }

    // Table offsets from the rows' smallest distances, which start anew. Registers of the side stages are low ones, as the instruction that finds the smallest word wants them.
    private static void EmitOffsets(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan)
    {
        AssemblerRegisterZMM narrow = plan.Side(2);
        code.vpbroadcastb(narrow, __byte_ptr[RegisterPlan.Arguments + Offset(nameof(ItemArguments.NarrowDistances))]);
        for (int row = 0; row < tile.Rows; row++)
        {
            AssemblerRegisterZMM smallest = plan.Side(0);
            AssemblerRegisterZMM other = plan.Side(1);
            AssemblerRegisterYMM ymm = new(Register.YMM0 + plan.SideNumber(0));
            AssemblerRegisterYMM otherYmm = new(Register.YMM0 + plan.SideNumber(1));
            AssemblerRegisterXMM xmm = new(Register.XMM0 + plan.SideNumber(0));
            AssemblerRegisterXMM otherXmm = new(Register.XMM0 + plan.SideNumber(1));
            int minima = frame.Minima + (row * Line);
            code.vmovdqa64(smallest, __[RegisterPlan.Current + minima]);
            code.vextracti64x4(otherYmm, smallest, 1);
            code.vpminub(ymm, ymm, otherYmm);
            code.vextracti32x4(otherXmm, ymm, 1);
            code.vpminub(xmm, xmm, otherXmm);

            // Words whose upper bytes are 0.
            code.vpsrlw(otherXmm, xmm, 8);
            code.vpminub(xmm, xmm, otherXmm);
            code.vphminposuw(xmm, xmm);
            code.vpbroadcastb(smallest, xmm);
            code.vpsubb(smallest, narrow, smallest);
            code.vmovdqa64(__[RegisterPlan.Current + (frame.Offsets + (row * Line))], smallest);
            code.vpternlogd(other, other, other, 0xFF);
            code.vmovdqa64(__[RegisterPlan.Current + minima], other);
        }
    }

    private static void EmitBlocks(Assembler code, KernelSpecification specification, TileFrame frame, RegisterPlan plan, CodeAddress queryCodes, CodeAddress tables)
    {
        TileShape tile = specification.Tile;
        Label loop = code.CreateLabel();
        Label done = code.CreateLabel();
        code.mov(RegisterPlan.Counter, Argument(nameof(ItemArguments.FullBlocks)));
        code.test(RegisterPlan.Counter, RegisterPlan.Counter);
        code.jz(done);
        code.Label(ref loop);
        var primary = new InstructionStream();
        var side = new InstructionStream();
        ValueProductEmitter.Emit(primary.Code, tile, plan, BlockGroups, Line);
        TableMapEmitter.Emit(side.Code, tile, frame, plan, tables, blocksAhead: 1, wideDistances: false);
        SignDotEmitter.Emit(side.Code, tile, frame, plan, queryCodes, isLastBlock: false, hasMask: false);
        Schedule.Interleave(code, primary, side);
        code.add(RegisterPlan.Values, BlockGroups * tile.Vectors * Line);
        code.add(RegisterPlan.Probabilities, tile.Rows * Line);
        code.add(RegisterPlan.Codes, frame.Planes * Line);
        code.add(RegisterPlan.Distances, tile.Rows * Line);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
        code.Label(ref done);
    }

    private static void EmitLastBlock(Assembler code, KernelSpecification specification, TileFrame frame, RegisterPlan plan, CodeAddress queryCodes)
    {
        var primary = new InstructionStream();
        var side = new InstructionStream();
        code.mov(RegisterPlan.Counter, Argument(nameof(ItemArguments.TailMask)));
        ValueProductEmitter.Emit(primary.Code, specification.Tile, plan, specification.TailGranules * GranuleGroups, Line);
        SignDotEmitter.Emit(side.Code, specification.Tile, frame, plan, queryCodes, isLastBlock: true, hasMask: false);
        EmitOffsets(side.Code, specification.Tile, frame, plan);
        Schedule.Interleave(code, primary, side);
    }

    // factor = 1 / (numerators + residuals * (1 / 254)), every other float of a line. Values and side stages are done with their registers, eight of them.
    private static void EmitFactors(Assembler code, TileShape tile, TileFrame frame)
    {
        AssemblerRegisterZMM[] free = [.. Enumerable.Range(0, SumRegisters).Select(RegisterPlan.Free)];
        for (int first = 0; first < tile.Rows; first += SumRows)
        {
            // Evens and odds, so that interleaving them at the end gives rows in order.
            FourRows(code, frame, tile, [first, first + 2, first + 4, first + 6], free[0], free[1], free[2], free[3]);
            FourRows(code, frame, tile, [first + 1, first + 3, first + 5, first + 7], free[4], free[1], free[2], free[3]);
            AssemblerRegisterZMM packed = free[0];
            code.vpunpckhqdq(free[1], free[0], free[4]);
            code.vpunpcklqdq(packed, free[0], free[4]);
            code.vpaddq(packed, packed, free[1]);
            AssemblerRegisterZMM numerators = free[1];
            AssemblerRegisterZMM residuals = free[2];
            code.vcvtudq2ps(numerators, packed);
            code.vpsubq(residuals, packed, __qword_bcst[RegisterPlan.Arguments + Offset(nameof(ItemArguments.SumBias))]);
            code.vcvtdq2ps(residuals, residuals);
            code.vpsrlq(residuals, residuals, 32);
            code.vmulps(residuals, residuals, __dword_bcst[RegisterPlan.Arguments + Offset(nameof(ItemArguments.ResidualUnit))]);
            code.vaddps(numerators, numerators, residuals);
            code.vbroadcastss(residuals, __dword_ptr[RegisterPlan.Arguments + Offset(nameof(ItemArguments.One))]);
            code.vdivps(residuals, residuals, numerators);

            code.vmovdqa64(__[RegisterPlan.Current + (frame.Factors + (first / SumRows * Line))], residuals);
        }
    }

    // Sums of four rows' lanes, two lanes a row: [row0 row1 row2 row3], a 128-bit part each.
    private static void FourRows(Assembler code, TileFrame frame, TileShape tile, ReadOnlySpan<int> rows, AssemblerRegisterZMM result, AssemblerRegisterZMM second, AssemblerRegisterZMM third, AssemblerRegisterZMM fourth)
    {
        TwoRows(code, frame, tile, rows[0], rows[1], result, third);
        TwoRows(code, frame, tile, rows[2], rows[3], second, third);
        code.vshufi64x2(fourth, result, second, OddParts);
        code.vshufi64x2(result, result, second, EvenParts);
        code.vpaddq(result, result, fourth);
    }

    private static void TwoRows(Assembler code, TileFrame frame, TileShape tile, int first, int second, AssemblerRegisterZMM result, AssemblerRegisterZMM temporary)
    {
        code.vmovdqa64(result, __[RegisterPlan.Current + SumOffset(first)]);
        code.vshufi64x2(temporary, result, __[RegisterPlan.Current + SumOffset(second)], HighHalves);
        code.vshufi64x2(result, result, __[RegisterPlan.Current + SumOffset(second)], LowHalves);
        code.vpaddq(result, result, temporary);

        // Rows that the tile does not have: any row will do.
        int SumOffset(int row) => frame.RowSums + (Math.Min(row, tile.Rows - 1) * Line);
    }

    private static void EmitOutput(Assembler code, TileShape tile, TileFrame frame, RegisterPlan plan)
    {
        code.mov(RegisterPlan.Codes, Argument(nameof(ItemArguments.Scales)));
        code.mov(RegisterPlan.Values, Argument(nameof(ItemArguments.Means)));
        code.kmovq(k1, Argument(nameof(ItemArguments.LastChannels)));
        for (int vector = 0; vector < tile.Vectors; vector++)
        {
            code.vmovups(RegisterPlan.Free(vector), __[RegisterPlan.Codes + (vector * Line)]);
            code.vmovups(RegisterPlan.Free(tile.Vectors + vector), __[RegisterPlan.Values + (vector * Line)]);
        }

        code.mov(RegisterPlan.Counter, Argument(nameof(ItemArguments.LastOutput)));
        code.mov(RegisterPlan.Values, Argument(nameof(ItemArguments.OutputStride)));
        for (int row = 0; row < tile.Rows; row++)
        {
            int factor = frame.Factors + (row * sizeof(ulong));
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                AssemblerRegisterZMM sum = plan.Sum(row, vector);
                code.vcvtdq2ps(sum, sum);
                code.vmulps(sum, sum, __dword_bcst[RegisterPlan.Current + factor]);
                code.vmulps(sum, sum, RegisterPlan.Free(vector));
                code.vaddps(sum, sum, RegisterPlan.Free(tile.Vectors + vector));
                AssemblerMemoryOperand output = __[RegisterPlan.ItemOutput + (vector * Line)];
                code.vmovups(vector == tile.Vectors - 1 ? output.k1 : output, sum);
            }

            code.add(RegisterPlan.ItemOutput, RegisterPlan.Values);
            code.cmp(RegisterPlan.ItemOutput, RegisterPlan.Counter);
            code.cmova(RegisterPlan.ItemOutput, RegisterPlan.Counter);
        }
    }

    private static int Offset(string field) => (int)Marshal.OffsetOf<ItemArguments>(field);
}
