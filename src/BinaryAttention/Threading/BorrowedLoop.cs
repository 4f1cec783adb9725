// The threads of an enclosing run, which owns them: a calibrated run lends its own to the kernel within.
namespace BinaryAttention.Threading;

internal sealed class BorrowedLoop(TileLoop owner) : TileLoop(owner.Workers)
{
    public override void Run(int count, Action<int, int> tile, CancellationToken cancellationToken) => owner.Run(count, tile, cancellationToken);

    protected override void WorkTogether(int workers) => throw new InvalidOperationException("The owner runs the tiles.");
}
