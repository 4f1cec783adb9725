// The inner kernel of the 8-bit linear layers, with the 512-bit VPDPBUSD that .NET has no intrinsic for: 6 rows x 4 vectors of exact 32-bit sums, in registers over the whole depth.
//
//   sums[r][c] = sum over k of rows[r][k] * weights[c][k]      rows unsigned, weights signed bytes; at most 255 * 127 * depth, which callers keep below 2^31
//
// Per four bytes of depth: 24 multiplies (of 64 products each) against 4 loads of weights and 6 broadcasts, so the multipliers are the limit. Registers: 24 sums, 4 vectors of weights, 4 broadcasts
// in turn. rbx is saved; all else is left to the callee by both calling conventions but the vector registers that Windows wants back.
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled.Products;

internal static class ByteProductEmitter
{
    public const int TileRows = 6;
    public const int Vectors = 4;

    /// <summary>Columns of a tile: one 32-bit sum each.</summary>
    public const int Columns = Vectors * LineBytes / WordBytes;

    /// <summary>Bytes of a row that one turn of the loop takes; rows and panels are padded to whole turns.</summary>
    public const int TurnBytes = WordBytes * WordsPerTurn;

    private const int LineBytes = 64;
    private const int WordBytes = 4;
    private const int WordsPerTurn = 4;
    private const int RowsPerBase = 3;
    private const int FirstWeights = TileRows * Vectors;
    private const int FirstBroadcast = FirstWeights + Vectors;
    private const int Broadcasts = 4;

    private static readonly AssemblerRegister64[] Bases = [r8, r9];

    public static Assembler Emit(bool isWindows)
    {
        Assembler code = InstructionStream.New();
        code.push(rbx);
        code.mov(rbx, isWindows ? rcx : rdi);
        CallFrame.SaveVectors(code, isWindows);
        code.mov(r8, Argument(nameof(ByteProductArguments.Rows)));
        code.mov(rax, Argument(nameof(ByteProductArguments.RowBytes)));
        code.lea(r9, __[rax + (rax * 2)]);
        code.add(r9, r8);
        code.mov(rdx, Argument(nameof(ByteProductArguments.Panel)));
        code.mov(rcx, Argument(nameof(ByteProductArguments.Turns)));
        for (int i = 0; i < TileRows * Vectors; i++)
        {
            code.vpxord(Vector(i), Vector(i), Vector(i));
        }

        Label loop = code.CreateLabel();
        code.Label(ref loop);
        for (int word = 0; word < WordsPerTurn; word++)
        {
            EmitWord(code, word);
        }

        foreach (AssemblerRegister64 rows in Bases)
        {
            code.add(rows, TurnBytes);
        }

        code.add(rdx, WordsPerTurn * Vectors * LineBytes);
        code.dec(rcx);
        code.jnz(loop);
        code.mov(rdx, Argument(nameof(ByteProductArguments.Sums)));
        for (int i = 0; i < TileRows * Vectors; i++)
        {
            code.vmovdqu64(__[rdx + (i * LineBytes)], Vector(i));
        }

        code.vzeroupper();
        CallFrame.RestoreVectors(code, isWindows);
        code.pop(rbx);
        code.ret();
        return code;
    }

    private static void EmitWord(Assembler code, int word)
    {
        for (int vector = 0; vector < Vectors; vector++)
        {
            code.vmovdqu64(Vector(FirstWeights + vector), __[rdx + (((word * Vectors) + vector) * LineBytes)]);
        }

        for (int row = 0; row < TileRows; row++)
        {
            AssemblerRegisterZMM broadcast = Vector(FirstBroadcast + (((word * TileRows) + row) % Broadcasts));
            AssemblerRegister64 rows = Bases[row / RowsPerBase];
            int offset = word * WordBytes;
            code.vpbroadcastd(broadcast, (row % RowsPerBase) switch
            {
                0 => __dword_ptr[rows + offset],
                1 => __dword_ptr[rows + rax + offset],
                _ => __dword_ptr[rows + (rax * 2) + offset],
            });
            for (int vector = 0; vector < Vectors; vector++)
            {
                code.vpdpbusd(Vector((row * Vectors) + vector), broadcast, Vector(FirstWeights + vector));
            }
        }
    }

    private static AssemblerMemoryOperand Argument(string field) => __qword_ptr[rbx + (int)Marshal.OffsetOf<ByteProductArguments>(field)];

    private static AssemblerRegisterZMM Vector(int index) => new(Register.ZMM0 + index);
}
