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
    private const int WindowsSavedRegisters = 10;
    private const int FirstWindowsSavedRegister = 6;

    public static Assembler Emit(KernelSpecification specification, bool isWindows)
    {
        Assembler code = InstructionStream.New();
        TileShape tile = specification.Tile;
        var frame = new TileFrame(tile, specification.Planes);
        var plan = new RegisterPlan(tile);
        Enter(code, specification.Stages, isWindows);
        if (Has(specification, KernelStages.Values))
        {
            MoveSums(code, tile, plan, isLoad: true);
        }

        if (Has(specification, KernelStages.TableMap))
        {
            TableMapEmitter.Emit(code, tile, frame, plan, blocksAhead: 0, specification.WideDistances);
        }

        EmitBlocks(code, specification, frame, plan);
        if (Has(specification, KernelStages.SignDot))
        {
            code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.TailMask)));
            SignDotEmitter.Emit(code, tile, frame, plan, isLastBlock: true, Has(specification, KernelStages.Mask));
        }

        if (Has(specification, KernelStages.Values))
        {
            EmitLastValues(code, tile, plan);
            MoveSums(code, tile, plan, isLoad: false);
        }

        Leave(code, isWindows);
        return code;
    }

    private static bool Has(KernelSpecification specification, KernelStages stage) => (specification.Stages & stage) == stage;

    private static AssemblerMemoryOperand Argument(string field) => __qword_ptr[RegisterPlan.Arguments + (int)Marshal.OffsetOf<KernelArguments>(field)];

    private static void EmitBlocks(Assembler code, KernelSpecification specification, TileFrame frame, RegisterPlan plan)
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
            ValueProductEmitter.Emit(primary.Code, tile, plan, BlockGroups);
        }

        if (Has(specification, KernelStages.TableMap))
        {
            TableMapEmitter.Emit(side.Code, tile, frame, plan, blocksAhead: 1, specification.WideDistances);
        }

        if (Has(specification, KernelStages.SignDot))
        {
            SignDotEmitter.Emit(side.Code, tile, frame, plan, isLastBlock: false, Has(specification, KernelStages.Mask));
        }

        Schedule.Interleave(code, primary, side);
        Advance(code, specification, frame);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
        code.Label(ref done);
    }

    private static void Advance(Assembler code, KernelSpecification specification, TileFrame frame)
    {
        int rowBytes = specification.Tile.Rows * Line;
        if (Has(specification, KernelStages.Values))
        {
            code.add(RegisterPlan.Values, BlockGroups * specification.Tile.Vectors * Line);
        }

        if ((specification.Stages & (KernelStages.Values | KernelStages.TableMap)) != KernelStages.None)
        {
            code.add(RegisterPlan.Probabilities, rowBytes);
        }

        if (Has(specification, KernelStages.SignDot))
        {
            code.add(RegisterPlan.Codes, frame.Planes * Line);
            code.add(RegisterPlan.Distances, rowBytes);
        }

        if (Has(specification, KernelStages.Mask))
        {
            code.add(RegisterPlan.Mask, specification.Tile.Rows * sizeof(ulong));
        }
    }

    private static void EmitLastValues(Assembler code, TileShape tile, RegisterPlan plan)
    {
        Label loop = code.CreateLabel();
        code.mov(RegisterPlan.Counter, Argument(nameof(KernelArguments.TailGranules)));
        code.Label(ref loop);
        ValueProductEmitter.Emit(code, tile, plan, GranuleGroups);
        code.add(RegisterPlan.Values, GranuleGroups * tile.Vectors * Line);
        code.add(RegisterPlan.Probabilities, GranuleGroups * ValueProductEmitter.GroupKeys);
        code.dec(RegisterPlan.Counter);
        code.jnz(loop);
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

    private static void Enter(Assembler code, KernelStages stages, bool isWindows)
    {
        code.push(rbx);
        code.push(rbp);
        code.mov(RegisterPlan.Arguments, isWindows ? rcx : rdi);
        if (isWindows)
        {
            code.sub(rsp, WindowsSavedRegisters * 16);
            for (int i = 0; i < WindowsSavedRegisters; i++)
            {
                code.vmovdqu64(__[rsp + (i * 16)], new AssemblerRegisterXMM(Register.XMM0 + FirstWindowsSavedRegister + i));
            }
        }

        if ((stages & (KernelStages.Values | KernelStages.TableMap)) != KernelStages.None)
        {
            code.mov(RegisterPlan.Current, Argument(nameof(KernelArguments.Current)));
            code.mov(RegisterPlan.Probabilities, Argument(nameof(KernelArguments.Probabilities)));
            code.mov(RegisterPlan.Values, Argument(nameof(KernelArguments.Values)));
        }

        if ((stages & KernelStages.SignDot) != KernelStages.None)
        {
            code.mov(RegisterPlan.Next, Argument(nameof(KernelArguments.Next)));
            code.mov(RegisterPlan.Codes, Argument(nameof(KernelArguments.Codes)));
            code.mov(RegisterPlan.Distances, Argument(nameof(KernelArguments.Distances)));
        }

        if ((stages & KernelStages.Mask) != KernelStages.None)
        {
            code.mov(RegisterPlan.Mask, Argument(nameof(KernelArguments.Mask)));
        }
    }

    private static void Leave(Assembler code, bool isWindows)
    {
        code.vzeroupper();
        if (isWindows)
        {
            for (int i = 0; i < WindowsSavedRegisters; i++)
            {
                code.vmovdqu64(new AssemblerRegisterXMM(Register.XMM0 + FirstWindowsSavedRegister + i), __[rsp + (i * 16)]);
            }

            code.add(rsp, WindowsSavedRegisters * 16);
        }

        code.pop(rbp);
        code.pop(rbx);
        code.ret();
    }
}
