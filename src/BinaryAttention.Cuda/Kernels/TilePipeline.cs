// A ring of shared buffers between asynchronous copies and the warps that read them: while step i is computed, steps i + 1 .. i + stages - 1 are on their way.
//   loop: wait until the copies of step i are there (this thread's); barrier (everybody's; and all warps are done with step i - 1); start step i + stages - 1 into the buffer of
//   step i - 1; compute step i.
// One barrier a step. A group is committed every step, empty at the end, so that the number of unfinished groups always means the same.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class TilePipeline(PtxEmitter ptx, int stages, int stageBytes, PtxRegister buffers)
{
    /// <summary>Runs all steps.</summary>
    /// <param name="count">Steps; equal in all threads of the block.</param>
    /// <param name="copy">Starts the copies of the next step to a buffer, in lanes where the predicate holds, and advances the sources.</param>
    /// <param name="compute">Reads a buffer; receives its address and the step's number.</param>
    /// <param name="areBuffersReused">Whether something writes the buffers afterwards: it must not overtake a warp that still reads the last step.</param>
    public void Run(PtxRegister count, Action<PtxRegister, PtxRegister> copy, Action<PtxRegister, PtxRegister> compute, bool areBuffersReused)
    {
        PtxRegister end = ptx.Op("add.s32", buffers, stages * stageBytes);
        PtxRegister fetched = ptx.Op("mov.b32", 0);
        PtxRegister fetchBuffer = ptx.Op("mov.b32", buffers);
        for (int stage = 0; stage < stages - 1; stage++)
        {
            Fetch(count, copy, end, fetched, fetchBuffer);
        }

        PtxRegister step = ptx.Op("mov.b32", 0);
        PtxRegister buffer = ptx.Op("mov.b32", buffers);
        PtxLabel loop = ptx.Label("step");
        PtxLabel done = ptx.Label("steps_done");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", step, count));
        ptx.WaitCopies(stages - 2);
        ptx.Barrier();
        Fetch(count, copy, end, fetched, fetchBuffer);
        compute(buffer, step);
        ptx.Into(step, "add.s32", step, 1);
        Advance(buffer, end);
        ptx.Branch(loop);
        ptx.Place(done);
        ptx.WaitCopies(0);
        if (areBuffersReused)
        {
            ptx.Barrier();
        }
    }

    private void Fetch(PtxRegister count, Action<PtxRegister, PtxRegister> copy, PtxRegister end, PtxRegister fetched, PtxRegister fetchBuffer)
    {
        copy(fetchBuffer, ptx.Op("setp.lt.s32", fetched, count));
        ptx.CommitCopies();
        ptx.Into(fetched, "add.s32", fetched, 1);
        Advance(fetchBuffer, end);
    }

    private void Advance(PtxRegister buffer, PtxRegister end)
    {
        ptx.Into(buffer, "add.s32", buffer, stageBytes);
        ptx.When(ptx.Op("setp.eq.s32", buffer, end), () => ptx.Into(buffer, "mov.b32", buffers));
    }
}
