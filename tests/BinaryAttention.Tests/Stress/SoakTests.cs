// Random calls and plans for minutes on all processors, with flat memory: after a warm-up of a fifth of the time neither the working set nor the managed heap grows. BINARYATTENTION_SOAK_MINUTES sets how
// long (10 with BINARYATTENTION_LONG=1 alone; not run otherwise).
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using BinaryAttention.Kernels.Assembled;
using BinaryAttention.Tests.Contract;
using BinaryAttention.Tests.Matrix;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Stress;

public sealed class SoakTests(ITestOutputHelper output)
{
    private const string MinutesVariable = "BINARYATTENTION_SOAK_MINUTES";
    private const double LongMinutes = 10;
    private const int Samples = 20;

    // What allocators keep for themselves may wander; a leak of one scratch buffer a call would be hundreds of times this.
    private const long AllowedGrowthBytes = 24L << 20;

    // Plans that nobody disposes are collected: their memory must come back, too.
    private const int ForgottenEvery = 16;

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [Trait("Category", "Long")]
    [Trait("Category", "Soak")]
    [MemberData(nameof(Kernels))]
    public void MemoryIsFlat_OverMinutesOfRandomCalls(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        double minutes = Minutes();
        Assert.SkipUnless(minutes > 0, $"soak: set {MinutesVariable}");
        var time = Stopwatch.StartNew();
        TimeSpan end = TimeSpan.FromMinutes(minutes);
        long calls = 0;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var failures = new ConcurrentQueue<Exception>();
        Thread[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(worker => new Thread(() =>
        {
            try
            {
                Work(kernel, worker, ref calls, stop.Token);
            }
#pragma warning disable CA1031 // carried to the test's thread
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
#pragma warning restore CA1031
        })
        { IsBackground = true })];
        Array.ForEach(workers, static worker => worker.Start());
        List<long> workingSets = [];
        List<long> managed = [];
        for (int sample = 1; sample <= Samples; sample++)
        {
            while (time.Elapsed < end * sample / Samples && failures.IsEmpty)
            {
                stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
                stop.Token.ThrowIfCancellationRequested();
            }

            // Managed garbage and finalizers aside, what is left is what is held.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            managed.Add(GC.GetTotalMemory(forceFullCollection: true));
            // Code that was made for a new kind of call stays by design; there are finitely many kinds.
            workingSets.Add(WorkingSet() - ExecutableMemory.SealedBytes);
            output.WriteLine($"{time.Elapsed:mm\\:ss}  {Volatile.Read(ref calls),8} calls  working set without generated code {workingSets[^1] >> 20} MiB  code {ExecutableMemory.SealedBytes >> 10} KiB  managed {managed[^1] >> 10} KiB");
        }

        stop.Cancel();
        Array.ForEach(workers, static worker => worker.Join());
        Assert.True(failures.IsEmpty, failures.IsEmpty ? string.Empty : failures.First().ToString());
        CheckFlat(workingSets, "working set");
        CheckFlat(managed, "managed heap");
    }

    // The largest of the last quarter against the largest of the quarter after the warm-up.
    private static void CheckFlat(List<long> samples, string what)
    {
        const int Quarter = Samples / 4;
        long before = samples.Skip(Samples / 5).Take(Quarter).Max();
        long after = samples.Skip(Samples - Quarter).Max();
        Assert.True(after - before <= AllowedGrowthBytes, $"{what} grew from {before >> 20} to {after >> 20} MiB");
    }

    private static void Work(string kernel, int worker, ref long calls, CancellationToken token)
    {
        // Numbers that the random suite does not use; every case is checked against a second run of itself at another number of threads.
        for (int number = 10_000_000 * (worker + 1); !token.IsCancellationRequested; number++)
        {
            AttentionCase c = RandomCases.Make(number);
            if (RefusedCombinations.IndexOf(c) >= 0)
            {
                continue;
            }

            Operands operands = c.MakeOperands();
            AttentionResult expected = CaseRunner.Run(c, operands, Options(c, kernel, 1), !c.IsExact);
            Contract.Bits.Equal(expected, CaseRunner.Run(c, operands, Options(c, kernel, 2), !c.IsExact));
            Contract.Bits.Equal(expected, CaseRunner.Plan(c, operands, Options(c, kernel, 2)));
            if (number % ForgottenEvery == 0)
            {
                Forget(c, kernel, operands);
            }

            Interlocked.Add(ref calls, 3);
        }
    }

    private static AttentionOptions Options(AttentionCase c, string kernel, int threads) => c.IsExact ? c.ExactOptions(kernel, threads) : c.BinaryOptions(kernel, threads);

    private static void Forget(AttentionCase c, string kernel, Operands operands)
    {
        AttentionCase dense = c with { Layout = TensorLayout.HeadTokenDimension, TokenGap = 0 };
        AttentionPlan plan = AttentionPlan.Create(dense.Shape, Options(dense, kernel, 2));
        plan.SetKeyValue(operands.Key, operands.Value);
        plan.Run(operands.Query, new float[c.Batch * c.Heads * c.Queries * c.ValueDimension]);
    }

    private static long WorkingSet()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static double Minutes()
    {
        if (double.TryParse(Environment.GetEnvironmentVariable(MinutesVariable), NumberStyles.Float, CultureInfo.InvariantCulture, out double minutes))
        {
            return minutes;
        }

        return ContractCases.IsLong ? LongMinutes : 0;
    }
}
