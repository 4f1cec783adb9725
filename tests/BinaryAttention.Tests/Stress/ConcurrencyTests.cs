// Many threads at once, each with calls and a plan of its own, some of them cancelled at random moments: results have the bits of a single thread, nothing hangs, a cancelled SetKeyValue wants its keys
// again and a cancelled Run leaves its plan usable.
using System.Collections.Concurrent;
using BinaryAttention.Tests.Contract;
using BinaryAttention.Tests.Matrix;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Stress;

public sealed class ConcurrencyTests(ITestOutputHelper output)
{
    private const int Threads = 8;
    private const int Rounds = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void CallsAndPlans_GiveTheBitsOfASingleThread_UnderCancellation(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase[] cases = [.. Enumerable.Range(0, 400).Select(RandomCases.Make).Where(c => RefusedCombinations.IndexOf(c) < 0 && c.Keys < 300).Take(24).Select(c => c with { TokenGap = 0, Layout = TensorLayout.HeadTokenDimension })];
        (AttentionCase Case, Operands Operands, AttentionResult Expected)[] work =
            [.. cases.Select(c => (c, c.MakeOperands(), CaseRunner.Run(c, c.MakeOperands(), Options(c, kernel, 1), !c.IsExact)))];
        var failures = new ConcurrentQueue<Exception>();
        var counts = new Counts();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(id => new Thread(() =>
        {
            try
            {
                Work(work, kernel, new Random(id), counts);
            }
#pragma warning disable CA1031 // carried to the test's thread
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
#pragma warning restore CA1031
        })
        { IsBackground = true })];
        Array.ForEach(threads, static thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Patience), "a thread hangs"));
        output.WriteLine($"{counts.Completed} completed, {counts.Cancelled} cancelled");
        Assert.True(failures.IsEmpty, failures.IsEmpty ? string.Empty : failures.First().ToString());
        Assert.True(counts.Completed > 0 && counts.Cancelled > 0, $"{counts.Completed} completed, {counts.Cancelled} cancelled");
    }

    private static AttentionOptions Options(AttentionCase c, string kernel, int threads) => c.IsExact ? c.ExactOptions(kernel, threads) : c.BinaryOptions(kernel, threads);

    private static void Work((AttentionCase Case, Operands Operands, AttentionResult Expected)[] work, string kernel, Random random, Counts counts)
    {
        for (int round = 0; round < Rounds; round++)
        {
            (AttentionCase c, Operands operands, AttentionResult expected) = work[random.Next(work.Length)];
            using var source = new CancellationTokenSource();
            int delay = random.Next(5) switch { 0 => 0, 1 => random.Next(1, 4), _ => -1 };
            if (delay == 0)
            {
                source.Cancel();
            }
            else if (delay > 0)
            {
                source.CancelAfter(delay);
            }

            AttentionOptions options = Options(c, kernel, 1 + random.Next(3));
            var result = new AttentionResult(new float[expected.Output.Length], new float[expected.LogSumExp.Length]);
            bool isCompleted = random.Next(2) == 0 ? Call(c, operands, options, result, source.Token) : Plan(c, operands, options, result, source.Token);
            counts.Add(isCompleted);
            if (isCompleted)
            {
                Contract.Bits.Equal(expected, result);
            }
        }
    }

    private static bool Call(AttentionCase c, Operands operands, AttentionOptions options, AttentionResult result, CancellationToken token)
    {
        try
        {
            if (options is BinaryAttentionOptions binary)
            {
                Attention.BinaryScaledDotProduct(operands.Query, operands.Key, operands.Value, result.Output, c.Shape, binary, result.LogSumExp, token);
            }
            else
            {
                Attention.ScaledDotProduct(operands.Query, operands.Key, operands.Value, result.Output, c.Shape, options, result.LogSumExp, token);
            }

            return true;
        }
        catch (OperationCanceledException)
        {
            Assert.True(token.IsCancellationRequested);
            return false;
        }
    }

    // Either step may be cancelled; afterwards the plan must work as documented, so that a planned round always completes.
    private static bool Plan(AttentionCase c, Operands operands, AttentionOptions options, AttentionResult result, CancellationToken token)
    {
        using AttentionPlan plan = AttentionPlan.Create(c.Shape, options);
        try
        {
            plan.SetKeyValue(operands.Key, operands.Value, token);
        }
        catch (OperationCanceledException)
        {
            Assert.Throws<InvalidOperationException>(() => plan.Run(operands.Query, result.Output, result.LogSumExp, CancellationToken.None));
            plan.SetKeyValue(operands.Key, operands.Value, CancellationToken.None);
        }

        try
        {
            plan.Run(operands.Query, result.Output, result.LogSumExp, token);
        }
        catch (OperationCanceledException)
        {
            plan.Run(operands.Query, result.Output, result.LogSumExp, CancellationToken.None);
        }

        return true;
    }

    private sealed class Counts
    {
        private int _completed;
        private int _cancelled;

        public int Completed => _completed;

        public int Cancelled => _cancelled;

        public void Add(bool isCompleted) => _ = isCompleted ? Interlocked.Increment(ref _completed) : Interlocked.Increment(ref _cancelled);
    }
}
