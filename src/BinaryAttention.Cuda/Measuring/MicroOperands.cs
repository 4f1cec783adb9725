using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Measuring;

/// <summary>What the step of a measuring loop may read.</summary>
/// <param name="Ptx">Receives the instructions.</param>
/// <param name="Seed">Bits that differ from thread to thread.</param>
/// <param name="Zero">0, unknown to the compiler.</param>
/// <param name="Table">Shared address of the table, if the instruction uses it.</param>
/// <param name="Lane">Lane of the thread, if the instruction uses the table.</param>
internal sealed record MicroOperands(PtxEmitter Ptx, PtxRegister Seed, PtxRegister Zero, PtxRegister Table, PtxRegister Lane)
{
    /// <summary>New registers with bits that differ from chain to chain.</summary>
    public PtxRegister[] Words(int count, int chain) => Enumerable.Range(0, count).Select(i => Ptx.Op("xor.b32", Seed, (int)(0x9E3779B9u * (uint)((16 * chain) + i + 1)))).ToArray();
}
