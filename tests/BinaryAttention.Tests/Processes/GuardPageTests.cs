// Operands, bias and outputs flush against inaccessible pages on either side, in a child process: one element read too far ends the child, and its journal names the case.
using BinaryAttention.Tests.Processes.Children;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Tests.Processes;

public sealed class GuardPageTests
{
    [Theory]
    [InlineData(GuardSide.Before)]
    [InlineData(GuardSide.After)]
    public void Attention_StaysWithinItsOperands(GuardSide side)
    {
        using var folder = new TemporaryFolder();
        string journal = folder["journal"];
        (int exitCode, string output) = ChildProcess.Run(Environment(journal, side.ToString()), "--filter-class", "BinaryAttention.Tests.Processes.Children.GuardedAttentionTests");
        string[] cases = File.Exists(journal) ? File.ReadAllLines(journal) : [];
        Assert.True(exitCode == 0, $"Exit code {exitCode} in case: {cases.LastOrDefault()}{System.Environment.NewLine}{output}");
        Assert.Equal("done", cases[^1]);
    }

    // The guard itself: a deliberate read of one element too many must end the child.
    [Theory]
    [InlineData(GuardSide.Before)]
    [InlineData(GuardSide.After)]
    public void GuardPage_StopsAReadThatGoesTooFar(GuardSide side)
    {
        using var folder = new TemporaryFolder();
        string journal = folder["journal"];
        (int exitCode, _) = ChildProcess.Run(Environment(journal, GuardedAttentionTests.Overread + side), "--filter-class", "BinaryAttention.Tests.Processes.Children.GuardedAttentionTests");
        Assert.NotEqual(0, exitCode);
        Assert.Equal(["about to read too far"], File.ReadAllLines(journal));
    }

    private static Dictionary<string, string> Environment(string journal, string mode) => new(StringComparer.Ordinal)
    {
        [GuardedAttentionTests.JournalVariable] = journal,
        [GuardedAttentionTests.ModeVariable] = mode,
    };
}
