// One worker: the caller's thread.
namespace BinaryAttention.Threading;

internal sealed class CallerLoop() : TileLoop(1)
{
    protected override void WorkTogether(int workers) => Job.Work(worker: 0);
}
