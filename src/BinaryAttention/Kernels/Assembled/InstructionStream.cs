// One stage's instructions in program order, recorded by an Iced assembler and merged into a kernel later by a schedule. A stage is straight code: no labels, no branches.
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

internal sealed class InstructionStream
{
    /// <summary>Where the stage's instructions are written.</summary>
    public Assembler Code { get; } = New();

    /// <summary>What was written so far.</summary>
    public IReadOnlyList<Instruction> Instructions => Code.Instructions;

    /// <summary>An assembler that always picks EVEX where both encodings exist: VEX forms cannot reach registers 16 to 31 and AVX-VNNI is another feature than AVX512-VNNI.</summary>
    public static Assembler New() => new(bitness: 64) { PreferVex = false };
}
