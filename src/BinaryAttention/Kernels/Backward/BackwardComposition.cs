// Puts the backward pass together for the widest lookups and float lanes that are supported.
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal static class BackwardComposition
{
    public static void Run(AttentionSpecification specification, BackwardCall call, CpuFeatures cpu, CancellationToken cancellationToken)
    {
        if (SimdComposition.Use512Float(cpu))
        {
            Run<Vector512<float>, FloatLanes512>(specification, call, cpu, cancellationToken);
        }
        else if (SimdComposition.Use256Float(cpu))
        {
            Run<Vector256<float>, FloatLanes256>(specification, call, cpu, cancellationToken);
        }
        else
        {
            Run<Vector128<float>, FloatLanes128>(specification, call, cpu, cancellationToken);
        }
    }

    /// <summary>Bytes that a call without a bias takes beside its operands, at most.</summary>
    public static long WorkspaceBytes(AttentionSpecification specification, TileLoop loop, CpuFeatures cpu) =>
        SimdComposition.Use512Float(cpu) ? WorkspaceBytes<Vector512<float>, FloatLanes512>(specification, loop, cpu) : WorkspaceBytes<Vector256<float>, FloatLanes256>(specification, loop, cpu);

    private static long WorkspaceBytes<TVector, TLanes>(AttentionSpecification specification, TileLoop loop, CpuFeatures cpu)
        where TVector : struct
        where TLanes : struct, IFloatLanes<TVector>
    {
        var partition = new BackwardPartition(specification, wantsBias: false);
        BackwardCall call = BackwardCall.Empty;
        using var run = new SimdBackward<TVector, TLanes>(specification, call, partition, Source<TVector, TLanes>(specification, call, partition, loop, cpu), loop.Workers);
        return run.WorkspaceBytes;
    }

    private static unsafe void Run<TVector, TLanes>(AttentionSpecification specification, BackwardCall call, CpuFeatures cpu, CancellationToken cancellationToken)
        where TVector : struct
        where TLanes : struct, IFloatLanes<TVector>
    {
        using TileLoop loop = specification.CreateLoop();
        var partition = new BackwardPartition(specification, call.Bias is not null);
        using var run = new SimdBackward<TVector, TLanes>(specification, call, partition, Source<TVector, TLanes>(specification, call, partition, loop, cpu), loop.Workers);
        run.Run(loop, cancellationToken);
    }

    private static BackwardSource Source<TVector, TLanes>(AttentionSpecification specification, BackwardCall call, BackwardPartition partition, TileLoop loop, CpuFeatures cpu)
        where TVector : struct
        where TLanes : struct, IFloatLanes<TVector>
    {
        if (!specification.IsBinary)
        {
            return new ExactSource<TVector, TLanes>(specification, call, partition, loop);
        }

        return SimdComposition.Use512Lookup(cpu) ? new SignSource<HammingLookup512, TVector, TLanes>(specification, call, partition, loop)
            : cpu.Avx2 ? new SignSource<HammingLookup256, TVector, TLanes>(specification, call, partition, loop)
            : new SignSource<HammingLookup128, TVector, TLanes>(specification, call, partition, loop);
    }
}
