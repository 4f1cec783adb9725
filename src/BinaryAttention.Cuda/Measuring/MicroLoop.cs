// One instruction in a loop, with the multiprocessor's clock read before and after: what the budgets of the attention kernel assume about a GPU, asked of the GPU itself.
//   every thread stores clock before, clock after (64 bits each) and a word that depends on every result, so that nothing can be left out:  [blocks, threads] of 32 bytes
// Throughput: many warps with several independent chains each. Latency: one warp with one chain. Loop control (three instructions an iteration) is included.
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Measuring;

internal static class MicroLoop
{
    /// <summary>Steps of every chain in one iteration.</summary>
    public const int Unroll = 8;

    /// <summary>Bytes that a thread stores.</summary>
    public const int ResultBytes = 32;

    /// <summary>Entries of the shared table, each once a lane.</summary>
    public const int TableEntries = 128;

    /// <summary>Emits a loop. Its parameters: results, iterations, and a zero that the compiler cannot know.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="warps">Warps of a block.</param>
    /// <param name="chains">Independent chains of a warp.</param>
    public static PtxModule Emit(MicroInstruction instruction, int warps, int chains)
    {
        string name = KernelNames.Of("micro", instruction.Name, $"w{warps}", $"c{chains}");
        int threads = 32 * warps;
        var ptx = new PtxEmitter(name);
        PtxRegister results = ptx.GlobalPointer();
        PtxRegister iterations = ptx.Parameter("u32");
        PtxRegister zero = ptx.Parameter("u32");
        PtxRegister thread = ptx.Special("%tid.x");
        PtxRegister seed = ptx.Op("mad.lo.s32", thread, 0x01234567, zero);
        ptx.Discard(seed, zero);
        PtxRegister table = instruction.UsesTable ? Table(ptx, thread, zero, threads) : default;
        PtxRegister lane = instruction.UsesTable ? ptx.Op("and.b32", thread, 31) : default;
        var operands = new MicroOperands(ptx, seed, zero, table, lane);
        PtxRegister[][] states = Enumerable.Range(0, chains).Select(chain => instruction.Start(operands, chain)).ToArray();
        PtxRegister left = ptx.Op("mov.b32", iterations);
        ptx.Barrier();
        PtxRegister before = ptx.Clock();
        PtxLabel loop = ptx.Label("loop");
        ptx.Place(loop);
        for (int step = 0; step < Unroll; step++)
        {
            foreach (PtxRegister[] state in states)
            {
                instruction.Step(operands, state);
            }
        }

        ptx.Into(left, "sub.s32", left, 1);
        ptx.Branch(loop, ptx.Op("setp.gt.s32", left, 0));
        PtxRegister after = ptx.Clock();
        PtxRegister sink = states.SelectMany(static state => state).Select(register => register.Class == PtxClass.F32 ? ptx.Op("mov.b32:bits", register) : register).Aggregate((a, b) => ptx.Op("xor.b32", a, b));
        PtxRegister index = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), threads, thread);
        PtxRegister target = ptx.Op("add.s64", results, ptx.Op("mul.wide.u32", index, ResultBytes));
        ptx.Store("global", "b64", target, 0, before, after);
        ptx.Store("global", "b32", target, 16, sink);
        ptx.Return();
        return new PtxModule(ptx.ToText(threads), name, threads, ptx.StaticSharedBytes, 0);
    }

    // Entry k of lane l, at word 32 k + l, holds the byte offset of another entry: a walk that the compiler cannot foresee, in the lane's own bank.
    private static PtxRegister Table(PtxEmitter ptx, PtxRegister thread, PtxRegister zero, int threads)
    {
        PtxRegister table = ptx.SharedArray("table", TableEntries * 128);
        PtxRegister word = ptx.Op("mov.b32", thread);
        PtxLabel loop = ptx.Label("table");
        ptx.Place(loop);
        PtxRegister entry = ptx.Op("add.s32", ptx.Op("shr.u32", word, 5), zero);
        PtxRegister next = ptx.Op("and.b32", ptx.Op("mad.lo.s32", entry, 37, 11), TableEntries - 1);
        ptx.Store("shared", "b32", ptx.Op("mad.lo.s32", word, 4, table), 0, ptx.Op("shl.b32", next, 7));
        ptx.Into(word, "add.s32", word, threads);
        ptx.Branch(loop, ptx.Op("setp.lt.s32", ptx.Op("and.b32", word, ~31), TableEntries * 32));
        return table;
    }
}
