using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Kernels;

namespace BinaryAttention.Cuda.Hosting;

/// <summary>The launches of a call with their compiled kernels, one for each step.</summary>
internal sealed class LoadedProgram(AttentionProgram program, IReadOnlyList<LoadedKernel> kernels)
{
    public long WorkspaceBytes => program.WorkspaceBytes;

    public IReadOnlyList<LoadedKernel> Kernels => kernels;

    public IReadOnlyList<AttentionStep> Steps => program.Steps;

    /// <summary>Enqueues some of the steps, in order. Allocates no device memory and waits for nothing.</summary>
    public void Enqueue(PrimaryContext context, in DevicePointers pointers, nint stream, Range range)
    {
        (int first, int count) = range.GetOffsetAndLength(Steps.Count);
        using ContextScope scope = context.Enter();
        for (int step = first; step < first + count; step++)
        {
            kernels[step].Launch(Steps[step].Grid, Steps[step].Arguments(pointers), stream);
        }
    }
}
