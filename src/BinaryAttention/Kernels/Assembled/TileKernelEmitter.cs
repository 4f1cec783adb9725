// Puts a kernel together. With all stages it is a software pipeline over blocks of 64 keys:
//
//   map(0)                                             distances of block 0 become probabilities
//   loop  values(b)  with  map(b+1), signDot(b)        the side stages hide behind the multipliers
//   signDot(last)                                      lanes without a key become 255
//   values(last), 16 keys at a time                    so that a short last block costs what it holds
//
// where map and values belong to the current tile of queries and signDot to the next one: a row's smallest distance must be known before its first probability. Stages that a
// specification lacks drop out.
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class TileKernelEmitter
{
    private const int Line = TileFrame.Line;
    private const int BlockGroups = Bits.KeyCodes.BlockKeys / ValueProductEmitter.GroupKeys;
    private const int GranuleGroups = 4;

    public static Assembler Emit(KernelSpecification specification, bool isWindows)
    {
        if (Has(specification, KernelStages.WholeItem))
        {
            return ItemKernelEmitter.Emit(specification, isWindows);
        }

        Assembler code = InstructionStream.New();
        TileShape tile = specification.Tile;
        var frame = new TileFrame(tile, specification.Planes);
        var logitFrame = new LogitFrame(tile, specification.Planes);
        var plan = new RegisterPlan(tile);
        CallFrame.Enter(code, isWindows);
        LoadArguments(code, specification.Stages);
        if (Has(specification, KernelStages.FreshSums))
        {
            ClearSums(code, tile, plan);
        }
        else if (Has(specification, KernelStages.Values))
        {
            MoveSums(code, tile, plan, isLoad: true);
        }

        if (Has(specification, KernelStages.TableMap))
        {
            TableMapEmitter.Emit(code, tile, frame, plan, TableMapEmitter.OwnTables(frame), blocksAhead: 0, specification.WideDistances);
        }

        if (Has(specification, KernelStages.Exponentials))
        {
            ExponentialEmitter.Emit(code, tile, logitFrame, plan, blocksAhead: 0, specification.FractionBits);
        }

        EmitBlocks(code, specification, frame, logitFrame, plan);
        if (Has(specification, KernelStages.SignDot))
        {
            code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.TailMask)));
            SignDotEmitter.Emit(code, tile, frame, plan, SignDotEmitter.OwnCodes(frame), isLastBlock: true, Has(specification, KernelStages.Mask));
        }

        if (Has(specification, KernelStages.Logits))
        {
            code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.TailMask)));
            LogitEmitter.Emit(code, specification, logitFrame, plan, isLastBlock: true);
        }

        if (Has(specification, KernelStages.Values))
        {
            EmitLastValues(code, tile, plan, RowBytes(specification));
            MoveSums(code, tile, plan, isLoad: false);
        }

        CallFrame.Leave(code, isWindows);
        return code;
    }

    private static bool Has(KernelSpecification specification, KernelStages stage) => (specification.Stages & stage) == stage;

    private static AssemblerMemoryOperand Argument(string field) => __qword_ptr[RegisterPlan.Arguments + (int)Marshal.OffsetOf<KernelArguments>(field)];

    private static void EmitBlocks(Assembler code, KernelSpecification specification, TileFrame frame, LogitFrame logitFrame, RegisterPlan plan)
    {
        TileShape tile = specification.Tile;
        Label loop = code.CreateLabel();
        Label done = code.CreateLabel();
        code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.FullBlocks)));
        code.test(RegisterPlan.Counter, RegisterPlan.Counter);
        code.jz(done);
        code.Label(ref loop);
        var primary = new InstructionStream();
        var side = new InstructionStream();
        if (Has(specification, KernelStages.Values))
        {
            ValueProductEmitter.Emit(primary.Code, tile, plan, BlockGroups, RowBytes(specification));
        }

        if (Has(specification, KernelStages.TableMap))
        {
            TableMapEmitter.Emit(side.Code, tile, frame, plan, TableMapEmitter.OwnTables(frame), blocksAhead: 1, specification.WideDistances);
        }

        if (Has(specification, KernelStages.SignDot))
        {
            SignDotEmitter.Emit(side.Code, tile, frame, plan, SignDotEmitter.OwnCodes(frame), isLastBlock: false, Has(specification, KernelStages.Mask));
        }

        if (Has(specification, KernelStages.Exponentials))
        {
            ExponentialEmitter.Emit(side.Code, tile, logitFrame, plan, blocksAhead: 1, specification.FractionBits);
        }

        if (Has(specification, KernelStages.Logits))
        {
            LogitEmitter.Emit(side.Code, specification, logitFrame, plan, isLastBlock: false);
        }

        Schedule.Interleave(code, primary, side);
        Advance(code, specification, frame);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
        code.Label(ref done);
    }

    // A row of a block: its distances or probabilities, or, in fixed-point modes, two vectors of logits, the first of which becomes the probabilities.
    private static int RowBytes(KernelSpecification specification) => specification.FractionBits > 0 ? 2 * Line : Line;

    private static void Advance(Assembler code, KernelSpecification specification, TileFrame frame)
    {
        int rows = specification.Tile.Rows;
        int blockBytes = rows * RowBytes(specification);
        AddIf(code, specification, KernelStages.Values, RegisterPlan.Values, BlockGroups * specification.Tile.Vectors * Line);
        AddIf(code, specification, KernelStages.Values | KernelStages.TableMap | KernelStages.Exponentials, RegisterPlan.Probabilities, blockBytes);
        AddIf(code, specification, KernelStages.SignDot | KernelStages.Logits, RegisterPlan.Codes, frame.Planes * Line);
        AddIf(code, specification, KernelStages.SignDot | KernelStages.Logits, RegisterPlan.Distances, blockBytes);
        AddIf(code, specification, KernelStages.Mask, RegisterPlan.Mask, rows * sizeof(ulong));
        AddIf(code, specification, KernelStages.KeyWeights, RegisterPlan.KeyWeights, 2 * Line);
        AddIf(code, specification, KernelStages.KeyBias, RegisterPlan.Bias, 2 * Line);
        AddIf(code, specification, KernelStages.PairBias, RegisterPlan.Bias, rows * 2 * Line);
        if (Has(specification, KernelStages.Prefetch))
        {
            code.add(RegisterPlan.Prefetch, Argument(nameof(KernelArguments.PrefetchBack)));
        }
    }

    private static void AddIf(Assembler code, KernelSpecification specification, KernelStages any, AssemblerRegister64 register, int bytes)
    {
        if ((specification.Stages & any) != KernelStages.None)
        {
            code.add(register, bytes);
        }
    }

    private static void EmitLastValues(Assembler code, TileShape tile, RegisterPlan plan, int rowBytes)
    {
        Label loop = code.CreateLabel();
        code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.TailGranules)));
        code.Label(ref loop);
        ValueProductEmitter.Emit(code, tile, plan, GranuleGroups, rowBytes);
        code.add(RegisterPlan.Values, GranuleGroups * tile.Vectors * Line);
        code.add(RegisterPlan.Probabilities, GranuleGroups * ValueProductEmitter.GroupKeys);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
    }

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

    private static void MoveSums(Assembler code, TileShape tile, RegisterPlan plan, bool isLoad)
    {
        AssemblerRegister64 sums = RegisterPlan.Counter;
        code.mov(sums, Argument(nameof(KernelArguments.Sums)));
        for (int row = 0; row < tile.Rows; row++)
        {
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                AssemblerMemoryOperand memory = __[sums + (((row * tile.Vectors) + vector) * Line)];
                if (isLoad)
                {
                    code.vmovdqa64(plan.Sum(row, vector), memory);
                }
                else
                {
                    code.vmovdqa64(memory, plan.Sum(row, vector));
                }
            }
        }
    }

    private static void LoadArguments(Assembler code, KernelStages stages)
    {
        if ((stages & (KernelStages.Values | KernelStages.TableMap | KernelStages.Exponentials)) != KernelStages.None)
        {
            code.mov(RegisterPlan.Current, Argument(nameof(KernelArguments.Current)));
            code.mov(RegisterPlan.Probabilities, Argument(nameof(KernelArguments.Probabilities)));
            code.mov(RegisterPlan.Values, Argument(nameof(KernelArguments.Values)));
        }

        if ((stages & (KernelStages.SignDot | KernelStages.Logits)) != KernelStages.None)
        {
            code.mov(RegisterPlan.Next, Argument(nameof(KernelArguments.Next)));
            code.mov(RegisterPlan.Codes, Argument(nameof(KernelArguments.Codes)));
            code.mov(RegisterPlan.Distances, Argument(nameof(KernelArguments.Distances)));
        }

        if ((stages & KernelStages.Mask) != KernelStages.None)
        {
            code.mov(RegisterPlan.Mask, Argument(nameof(KernelArguments.Mask)));
        }

        if ((stages & KernelStages.KeyWeights) != KernelStages.None)
        {
            code.mov(RegisterPlan.KeyWeights, Argument(nameof(KernelArguments.KeyWeights)));
        }

        if ((stages & (KernelStages.KeyBias | KernelStages.PairBias)) != KernelStages.None)
        {
            code.mov(RegisterPlan.Bias, Argument(nameof(KernelArguments.Bias)));
        }

        if ((stages & KernelStages.Prefetch) != KernelStages.None)
        {
            code.mov(RegisterPlan.Prefetch, Argument(nameof(KernelArguments.Prefetch)));
            code.mov(RegisterPlan.PrefetchStride, Argument(nameof(KernelArguments.PrefetchStride)));
        }
    }
}
