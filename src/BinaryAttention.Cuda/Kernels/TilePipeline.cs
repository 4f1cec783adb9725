// A ring of shared buffers between copies and the warps that read them: while step i is computed, steps i + 1 .. i + stages - 1 are on their way.
//   loop: wait until the copies of step i are there (this thread's); barrier (everybody's; and all warps are done with step i - 1); start step i + stages - 1 into the buffer of
//   step i - 1; compute step i.
// One barrier a step. A group is committed every step, empty at the end, so that the number of unfinished groups always means the same.
// Where copies cannot be asynchronous (sm_75), "start" loads into registers and the stores follow the computation of the step: before the next barrier, and after all warps have left
// the buffer that they write.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TilePipeline(PtxEmitter ptx, AttentionVariant variant, PtxRegister buffers)
{
    private readonly int _stages = variant.Stages;
    private readonly int _stageBytes = variant.StageBytes;
    private readonly List<Action> _stores = [];

    /// <summary>Copies 16 bytes in lanes where the predicate holds.</summary>
    public void Copy(PtxRegister predicate, PtxRegister shared, int sharedOffset, PtxRegister global, int globalOffset)
    {
        if (variant.CopiesAsynchronously)
        {
            ptx.When(predicate, () => ptx.CopyAsync(shared, sharedOffset, global, globalOffset));
            return;
        }

        PtxRegister[] words = ptx.New(PtxClass.B32, 4);
        ptx.When(predicate, () => ptx.LoadInto(words, "global.nc", "b32", global, globalOffset));
        _stores.Add(() => ptx.When(predicate, () => ptx.Store("shared", "b32", shared, sharedOffset, words)));
    }

    /// <summary>Runs all steps.</summary>
    /// <param name="count">Steps; equal in all threads of the block.</param>
    /// <param name="copy">Copies a step to a buffer, in lanes where the predicate holds; receives the step's number last. Steps come in order.</param>
    /// <param name="compute">Reads a buffer; receives its address and the step's number.</param>
    /// <param name="areBuffersReused">Whether something writes the buffers afterwards: it must not overtake a warp that still reads the last step.</param>
    public void Run(PtxRegister count, Action<PtxRegister, PtxRegister, PtxRegister> copy, Action<PtxRegister, PtxRegister> compute, bool areBuffersReused)
    {
        PtxRegister end = ptx.Op("add.s32", buffers, _stages * _stageBytes);
        PtxRegister fetched = ptx.Op("mov.b32", 0);
        PtxRegister fetchBuffer = ptx.Op("mov.b32", buffers);
        for (int stage = 0; stage < _stages - 1; stage++)
        {
            Fetch(count, copy, end, fetched, fetchBuffer);
            Store();
        }

        PtxRegister step = ptx.Op("mov.b32", 0);
        PtxRegister buffer = ptx.Op("mov.b32", buffers);
        PtxLabel loop = ptx.Label("step");
        PtxLabel done = ptx.Label("steps_done");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", step, count));
        Wait(_stages - 2);
        ptx.Barrier();
        Fetch(count, copy, end, fetched, fetchBuffer);
        compute(buffer, step);
        Store();
        ptx.Into(step, "add.s32", step, 1);
        Advance(buffer, end);
        ptx.Branch(loop);
        ptx.Place(done);
        Wait(0);
        if (areBuffersReused)
        {
            ptx.Barrier();
        }
    }

    private void Fetch(PtxRegister count, Action<PtxRegister, PtxRegister, PtxRegister> copy, PtxRegister end, PtxRegister fetched, PtxRegister fetchBuffer)
    {
        copy(fetchBuffer, ptx.Op("setp.lt.s32", fetched, count), fetched);
        if (variant.CopiesAsynchronously)
        {
            ptx.CommitCopies();
        }

        ptx.Into(fetched, "add.s32", fetched, 1);
        Advance(fetchBuffer, end);
    }

    private void Wait(int unfinished)
    {
        if (variant.CopiesAsynchronously)
        {
            ptx.WaitCopies(unfinished);
        }
    }

    private void Store()
    {
        _stores.ForEach(static store => store());
        _stores.Clear();
    }

    private void Advance(PtxRegister buffer, PtxRegister end)
    {
        ptx.Into(buffer, "add.s32", buffer, _stageBytes);
        ptx.When(ptx.Op("setp.eq.s32", buffer, end), () => ptx.Into(buffer, "mov.b32", buffers));
    }
}
