// Who holds which of the 32 vector registers and which general registers, for all stages of a kernel:
//
//   zmm0 ..                one register per vector of values, then one broadcast probability
//   next (3 to 9)          the side stages, which run one after the other and share them
//   last                   rows x vectors sums, row after row
//
// General registers are those that both calling conventions leave to the callee, except rbx, rbp and r12 to r15, which the prologue saves.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal sealed class RegisterPlan
{
    private const int VectorRegisters = 32;

    private readonly TileShape _tile;
    private readonly int _firstSide;

    public RegisterPlan(TileShape tile)
    {
        _tile = tile;
        _firstSide = tile.Vectors + 1;
        FreeCount = VectorRegisters - (tile.Rows * tile.Vectors);
        SideCount = FreeCount - _firstSide;
    }

    /// <summary>The call's arguments, <see cref="KernelArguments"/>.</summary>
    public static AssemblerRegister64 Arguments => rbx;

    /// <summary>Mask words of the next tile's block.</summary>
    public static AssemblerRegister64 Mask => rbp;

    /// <summary>Loop counter; scratch outside of loops.</summary>
    public static AssemblerRegister64 Counter => rax;

    /// <summary>Distances, later probabilities, of the current tile's block.</summary>
    public static AssemblerRegister64 Probabilities => rcx;

    /// <summary>Values of the block.</summary>
    public static AssemblerRegister64 Values => r8;

    /// <summary>Key codes of the block.</summary>
    public static AssemblerRegister64 Codes => r9;

    /// <summary>Receives the next tile's distances of the block.</summary>
    public static AssemblerRegister64 Distances => r10;

    /// <summary>Frame of the current tile (tables, offsets, row sums).</summary>
    public static AssemblerRegister64 Current => r11;

    /// <summary>Frame of the next tile (query codes, minima, tail mask).</summary>
    public static AssemblerRegister64 Next => rdx;

    /// <summary>Fixed-point key weights of the block.</summary>
    public static AssemblerRegister64 KeyWeights => r12;

    /// <summary>Fixed-point bias of the block.</summary>
    public static AssemblerRegister64 Bias => r13;

    /// <summary>Floats to fetch ahead, and bytes from row to row.</summary>
    public static AssemblerRegister64 Prefetch => r14;

    public static AssemblerRegister64 PrefetchStride => r15;

    /// <summary>In a kernel for a whole item, query codes of the next tile.</summary>
    public static AssemblerRegister64 ItemQueryCodes => r12;

    /// <summary>In a kernel for a whole item, tables of the current tile.</summary>
    public static AssemblerRegister64 ItemTables => r13;

    /// <summary>In a kernel for a whole item, output of the row in hand.</summary>
    public static AssemblerRegister64 ItemOutput => rbp;

    /// <summary>Registers that the side stages may use.</summary>
    public int SideCount { get; }

    /// <summary>Registers that hold no sum: those of values, probability and side stages.</summary>
    public int FreeCount { get; }

    public AssemblerRegisterZMM Sum(int row, int vector) => Vector(FreeCount + (row * _tile.Vectors) + vector);

    public AssemblerRegisterZMM Value(int vector) => Vector(vector);

    public AssemblerRegisterZMM Probability => Vector(_firstSide - 1);

    public AssemblerRegisterZMM Side(int index) => Vector(SideNumber(index));

    /// <summary>The number of a side stage's register, for its lower parts.</summary>
    public int SideNumber(int index) => _firstSide + index;

    /// <summary>One of the registers that hold no sum.</summary>
    public static AssemblerRegisterZMM Free(int index) => Vector(index);

    private static AssemblerRegisterZMM Vector(int index) => new(Register.ZMM0 + index);
}
