// A relative-position table as the kernels gather from it: [heads, entries] from the checkpoints' [entries, heads], so that a grid row's entries are neighbours.
//   grid (entries / 128, heads), 128 threads.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class RelativeTableKernel
{
    private const int Threads = 128;

    public static PtxModule Emit()
    {
        string name = KernelNames.Of("relative_table");
        var ptx = new PtxEmitter(name);
        PtxRegister table = ptx.GlobalPointer();
        PtxRegister entries = ptx.Parameter("u32");
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister tableOut = ptx.GlobalPointer();
        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister entry = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), Threads, ptx.Special("%tid.x"));
        PtxRegister isEntry = ptx.Op("setp.lt.u32", entry, entries);
        PtxRegister from = ptx.Op("add.s64", ptx.Op("mul.wide.u32", entry, heads), ptx.Op("cvt.u64.u32", head));
        PtxRegister to = ptx.Op("add.s64", ptx.Op("mul.wide.u32", head, entries), ptx.Op("cvt.u64.u32", entry));
        PtxRegister source = ptx.Op("add.s64", table, ptx.Op("shl.b64", from, 2));
        PtxRegister target = ptx.Op("add.s64", tableOut, ptx.Op("shl.b64", to, 2));
        PtxRegister value = ptx.New(PtxClass.F32);
        ptx.When(isEntry, () =>
        {
            ptx.LoadInto([value], "global.nc", "f32", source);
            ptx.Store("global", "f32", target, 0, value);
        });
        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0);
    }

    public static LaunchShape Grid(int entries, int heads) => new((uint)((entries + Threads - 1) / Threads), (uint)heads, 1);
}
