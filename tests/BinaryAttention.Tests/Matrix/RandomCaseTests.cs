// Random cases against the reference: a few hundred always, tens of thousands with BINARYATTENTION_LONG=1 (BINARYATTENTION_CASES sets how many, BINARYATTENTION_FIRST_CASE where to start).
// A failure prints the smallest case found that still fails, as C#.
using System.Collections.Concurrent;
using System.Globalization;
using BinaryAttention.Tests.Contract;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Matrix;

public sealed class RandomCaseTests(ITestOutputHelper output)
{
    private const int QuickCases = 300;
    private const int ChildCases = 150;
    private const int LongCases = 20_000;
    private const int MostFailures = 5;

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void RandomCases_AgreeWithTheReference(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        Check(kernel, first: 0, ContractCases.IsChild ? ChildCases : QuickCases);
    }

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Kernels))]
    public void ManyRandomCases_AgreeWithTheReference(string kernel)
    {
        ContractCases.RequireLong();
        ContractCases.RequireUsable(kernel);
        Check(kernel, Setting("BINARYATTENTION_FIRST_CASE", QuickCases), Setting("BINARYATTENTION_CASES", LongCases));
    }

    [Fact]
    public void RandomCases_ReachEveryRefusedCombinationAndEveryOption()
    {
        Assert.SkipWhen(ContractCases.IsChild, "the same in every process");
        AttentionCase[] cases = [.. Enumerable.Range(0, LongCases).Select(RandomCases.Make)];
        Assert.Equal(Enumerable.Range(-1, RefusedCombinations.Count + 1), cases.Select(RefusedCombinations.IndexOf).Distinct().Order());
        Assert.InRange(cases.Count(c => RefusedCombinations.IndexOf(c) >= 0), 1, LongCases / 20);
        AttentionCase[] legal = [.. cases.Where(c => RefusedCombinations.IndexOf(c) < 0)];
        Assert.Equal(Enum.GetValues<BiasForm>(), legal.Select(c => c.Bias).Distinct().Order());
        Assert.Equal(Enum.GetValues<WeightingForm>(), legal.Select(c => c.Weighting).Distinct().Order());
        Assert.Equal(Enum.GetValues<InputKind>(), legal.Select(c => c.Inputs).Distinct().Order());
        Assert.Equal(16, legal.Select(c => c.Calibration).Distinct().Count());
        Assert.Equal(2 * 2 * 2 * 3 * 3, legal.Select(c => c.Mask).Distinct().Count());
        Assert.Equal(cases, Enumerable.Range(0, LongCases).Select(RandomCases.Make));
    }

    private static int Setting(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;

    private void Check(string kernel, int first, int count)
    {
        var failures = new ConcurrentDictionary<int, string>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = TestContext.Current.CancellationToken };
        Parallel.For(first, first + count, options, (number, loop) =>
        {
            string? violation = CaseCheck.Violation(RandomCases.Make(number), kernel);
            if (violation is not null && failures.TryAdd(number, violation) && failures.Count >= MostFailures)
            {
                loop.Stop();
            }
        });
        output.WriteLine($"{count} cases from number {first}");
        if (!failures.IsEmpty)
        {
            Assert.Fail(string.Join(Environment.NewLine, failures.Select(failure => Describe(failure.Key, failure.Value, kernel))));
        }
    }

    private static string Describe(int number, string violation, string kernel)
    {
        AttentionCase failing = RandomCases.Make(number);
        AttentionCase smallest = CaseShrinker.Shrink(failing, candidate => CaseCheck.Violation(candidate, kernel) is not null);
        return $"case {number} ({failing}): {violation}{Environment.NewLine}  smallest: {smallest.ToCode()}: {CaseCheck.Violation(smallest, kernel)}";
    }
}
