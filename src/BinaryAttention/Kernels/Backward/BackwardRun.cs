// One backward call around a kernel: heads with a NaN or infinity are found before and get NaN gradients afterwards, so that every kernel treats them alike.
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal static class BackwardRun
{
    public static void Run(IAttentionKernel kernel, AttentionSpecification specification, BackwardCall call, CancellationToken cancellationToken)
    {
        using (TileLoop loop = specification.CreateLoop())
        {
            call.NonFinite = NonFiniteHeads.Find(specification, call, loop, cancellationToken);
        }

        kernel.Backward(specification, call, cancellationToken);
        call.NonFinite.Mark(specification, call);
    }
}
