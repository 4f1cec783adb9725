using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Measuring;

/// <summary>One instruction whose rate and latency are asked for.</summary>
/// <param name="Name">In reports and entry names.</param>
/// <param name="Question">What it stands for in the attention kernel.</param>
/// <param name="FirstDevice">The oldest compute capability that has it: 80 for 8.0.</param>
/// <param name="LastDevice">The newest that has it natively.</param>
/// <param name="WorkPerInstruction">Operations of one warp instruction: multiply-adds of a matrix product (bits or bytes), else lanes.</param>
/// <param name="Start">Makes the registers of a chain.</param>
/// <param name="Step">Emits one step of a chain: reads and writes its registers.</param>
internal sealed record MicroInstruction(
    string Name, string Question, int FirstDevice, int LastDevice, int WorkPerInstruction, Func<MicroOperands, int, PtxRegister[]> Start, Action<MicroOperands, PtxRegister[]> Step)
{
    /// <summary>Whether the table in shared memory is needed.</summary>
    public bool UsesTable { get; init; }
}
