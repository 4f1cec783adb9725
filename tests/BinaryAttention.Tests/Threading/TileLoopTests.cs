// Loops of every kind: each tile runs once, no worker's tiles overlap in time, failures and cancellation reach the caller in the same form, and a loop can be used again.
using BinaryAttention.Threading;
using Xunit;

namespace BinaryAttention.Tests.Threading;

public sealed class TileLoopTests
{
    public static TheoryData<int, bool> Loops() => new() { { 1, false }, { 4, false }, { 4, true } };

    [Theory]
    [MemberData(nameof(Loops))]
    public void RunsEveryTileOnce_OneAtATimePerWorker(int threads, bool keepsThreads)
    {
        using TileLoop loop = TileLoop.Create(threads, keepsThreads);
        for (int round = 0; round < 20; round++)
        {
            var counts = new int[97];
            var busy = new int[loop.Workers];
            loop.Run(
                counts.Length,
                (tile, worker) =>
                {
                    Assert.Equal(1, Interlocked.Increment(ref busy[worker]));
                    Interlocked.Increment(ref counts[tile]);
                    Thread.Yield();
                    Interlocked.Decrement(ref busy[worker]);
                },
                TestContext.Current.CancellationToken);
            Assert.All(counts, static count => Assert.Equal(1, count));
        }
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void AFailingTile_ThrowsItsOwnException_AndTheLoopRunsAgain(int threads, bool keepsThreads)
    {
        using TileLoop loop = TileLoop.Create(threads, keepsThreads);
        Assert.Throws<InvalidDataException>(() => loop.Run(16, static (_, _) => throw new InvalidDataException(), TestContext.Current.CancellationToken));
        int ran = 0;
        loop.Run(16, (_, _) => Interlocked.Increment(ref ran), TestContext.Current.CancellationToken);
        Assert.Equal(16, ran);
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void CancelledWithin_ThrowsOperationCanceled(int threads, bool keepsThreads)
    {
        using TileLoop loop = TileLoop.Create(threads, keepsThreads);
        using var source = new CancellationTokenSource();
        int ran = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => loop.Run(
            64,
            (_, _) =>
            {
                Interlocked.Increment(ref ran);
                source.Cancel();
            },
            source.Token));
        Assert.InRange(ran, 1, threads);
    }

    // Runs so short that a helper signs off while the next one starts.
    [Theory]
    [MemberData(nameof(Loops))]
    public void ShortRunsInARow_AreDoneWhenTheyReturn(int threads, bool keepsThreads)
    {
        using TileLoop loop = TileLoop.Create(threads, keepsThreads);
        int done = 0;
        Action<int, int> tile = (_, _) => Interlocked.Increment(ref done);
        int rounds = keepsThreads ? 20_000 : 2_000;
        for (int round = 0; round < rounds; round++)
        {
            Volatile.Write(ref done, 0);
            loop.Run(4, tile, TestContext.Current.CancellationToken);
            Assert.Equal(4, Volatile.Read(ref done));
        }
    }

    // The memory that tiles write to is unpinned and freed when the caller leaves, so an interrupt must wait for them.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnInterruptedCaller_WaitsForItsWorkers_AndIsInterruptedAfterwards(bool keepsThreads)
    {
        using TileLoop loop = TileLoop.Create(2, keepsThreads);
        using var callerIsDone = new ManualResetEventSlim();
        using var helperIsIn = new ManualResetEventSlim();
        bool helperFinished = false;
        bool finishedBeforeReturn = false;
        bool wasInterrupted = false;
        var caller = new Thread(() =>
        {
            loop.Run(
                2,
                (_, worker) =>
                {
                    if (worker == 0)
                    {
                        helperIsIn.Wait();
                        callerIsDone.Set();
                        return;
                    }

                    helperIsIn.Set();
                    callerIsDone.Wait();
                    SpinWait.SpinUntil(static () => false, 50);
                    Volatile.Write(ref helperFinished, true);
                },
                CancellationToken.None);
            finishedBeforeReturn = Volatile.Read(ref helperFinished);
            try
            {
                new ManualResetEventSlim().Wait(TimeSpan.FromSeconds(5));
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        });
        caller.Start();
        callerIsDone.Wait(TestContext.Current.CancellationToken);
        caller.Interrupt();
        caller.Join();
        Assert.True(finishedBeforeReturn);
        Assert.True(wasInterrupted);
    }

    [Fact]
    public void AForgottenTeam_SendsItsThreadsHome()
    {
        int before = RunOnce();
        for (int attempt = 0; attempt < 50 && WorkerThreads(before) > 0; attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Yield();
        }

        Assert.Equal(0, WorkerThreads(before));
    }

    // Keeps the team out of the caller's frame; gives the id of its first worker thread.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static int RunOnce()
    {
        TileLoop loop = TileLoop.Create(2, keepsThreads: true);
        using var both = new Barrier(2);
        int helper = 0;
        loop.Run(
            2,
            (_, worker) =>
            {
                both.SignalAndWait(TestContext.Current.CancellationToken);
                if (worker == 1)
                {
                    s_helper = new WeakReference<Thread>(Thread.CurrentThread);
                    helper = Environment.CurrentManagedThreadId;
                }
            },
            TestContext.Current.CancellationToken);
        return helper;
    }

    private static WeakReference<Thread>? s_helper;

    private static int WorkerThreads(int id) => id != 0 && s_helper!.TryGetTarget(out Thread? thread) && thread.IsAlive ? 1 : 0;
}
