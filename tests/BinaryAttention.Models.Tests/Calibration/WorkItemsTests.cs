using BinaryAttention.Models.Calibration;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class WorkItemsTests
{
    [Fact]
    public void AFailure_ComesOutAsItWasThrown_AndStopsTheOtherWorkers()
    {
        using var failed = new ManualResetEventSlim();
        int pieces = 0;
        InvalidOperationException problem = Assert.Throws<InvalidOperationException>(() => WorkItems.Run(1000, 2, piece =>
        {
            if (piece == 0)
            {
                failed.Set();
                throw new InvalidOperationException("piece 0");
            }

            failed.Wait(TestContext.Current.CancellationToken);
            Thread.SpinWait(50_000);
            Interlocked.Increment(ref pieces);
        }, CancellationToken.None));
        Assert.Equal("piece 0", problem.Message);
        Assert.InRange(pieces, 0, 900);
    }

    [Fact]
    public void EveryPiece_IsRunOnce()
    {
        var runs = new int[100];
        WorkItems.Run(runs.Length, 3, piece => Interlocked.Increment(ref runs[piece]), TestContext.Current.CancellationToken);
        Assert.All(runs, static count => Assert.Equal(1, count));
    }
}
