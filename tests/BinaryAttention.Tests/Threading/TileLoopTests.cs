// Failures and cancellation reach the caller in the same form from one thread and from many.
using BinaryAttention.Threading;
using Xunit;

namespace BinaryAttention.Tests.Threading;

public sealed class TileLoopTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void AFailingTile_ThrowsItsOwnException(int threads) =>
        Assert.Throws<InvalidDataException>(() => TileLoop.Run(16, threads, static _ => throw new InvalidDataException(), TestContext.Current.CancellationToken));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void CancelledWithin_ThrowsOperationCanceled(int threads)
    {
        using var source = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TileLoop.Run(
            64,
            threads,
            _ =>
            {
                source.Cancel();
                source.Token.ThrowIfCancellationRequested();
            },
            source.Token));
    }
}
