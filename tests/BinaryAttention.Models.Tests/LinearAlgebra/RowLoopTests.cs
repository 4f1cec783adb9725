using BinaryAttention.Models.LinearAlgebra;
using Xunit;

namespace BinaryAttention.Models.Tests.LinearAlgebra;

public sealed class RowLoopTests
{
    [Theory]
    [InlineData(197, 192, 1)]
    [InlineData(197, 192, 2)]
    [InlineData(4097, 96, 2)]
    [InlineData(1, 24, 4)]
    [InlineData(5, 6, 3)]
    [InlineData(1000, 48, 7)]
    public void EveryRow_RunsOnce_OnWorkersInRange(int rows, int largestBlock, int threads)
    {
        var loop = new RowLoop(threads);
        var runs = new int[rows];
        for (int run = 1; run <= 3; run++)
        {
            loop.Run(
                rows,
                largestBlock,
                (first, count, worker) =>
                {
                    Assert.InRange(worker, 0, threads - 1);
                    Assert.InRange(count, 1, largestBlock);
                    for (int row = first; row < first + count; row++)
                    {
                        Interlocked.Increment(ref runs[row]);
                    }
                },
                default);
            Assert.All(runs, count => Assert.Equal(run, count));
        }
    }

    [Fact]
    public void TwoWorkers_ShareTheRowsOfAnImage_Evenly()
    {
        int block = RowLoop.BlockRows(197, 192, 2);
        int blocks = (197 + block - 1) / block;
        int shorter = blocks % 2 == 1 ? blocks / 2 * block : 197 - ((blocks / 2) * block);
        Assert.InRange(shorter, 94, 98);
        Assert.Equal(192, RowLoop.BlockRows(4097, 192, 1));
    }

    [Fact]
    public void Failures_ReachTheCaller_AndTheTeamGoesOn()
    {
        var loop = new RowLoop(3);
        Assert.Throws<InvalidDataException>(() => loop.Run(100, 24, (_, _, _) => throw new InvalidDataException(), default));
        int rows = 0;
        loop.Run(100, 24, (_, count, _) => Interlocked.Add(ref rows, count), default);
        Assert.Equal(100, rows);
        Assert.Throws<OperationCanceledException>(() => loop.Run(100, 24, (_, _, _) => { }, new CancellationToken(canceled: true)));
    }

    // Longer than the spinning, so that the workers sleep and must be woken.
    [Fact]
    public async Task Workers_WakeUpAgain()
    {
        var loop = new RowLoop(2);
        for (int run = 0; run < 5; run++)
        {
            int rows = 0;
            loop.Run(60, 6, (_, count, _) => Interlocked.Add(ref rows, count), default);
            Assert.Equal(60, rows);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
