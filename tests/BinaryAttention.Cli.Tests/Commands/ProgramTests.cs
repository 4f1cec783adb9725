using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class ProgramTests
{
    [Theory]
    [InlineData("doctor")]
    [InlineData("classify")]
    [InlineData("evaluate")]
    [InlineData("compare")]
    [InlineData("bench")]
    [InlineData("bench attention")]
    [InlineData("inspect")]
    public void Help_ShowsExamples(string command)
    {
        CommandRun run = CommandRun.Of([.. command.Split(' '), "--help"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Empty(run.Error);
        Assert.Contains("Examples:", run.Output, StringComparison.Ordinal);
        Assert.Contains($"binattn {command}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_OfTheProgram_ListsTheCommands()
    {
        foreach (CommandRun run in (CommandRun[])[CommandRun.Of("--help"), CommandRun.Of()])
        {
            Assert.Equal(ExitCodes.Success, run.ExitCode);
            Assert.All((string[])["doctor", "classify", "evaluate", "compare", "bench", "inspect"], name => Assert.Contains(name, run.Output, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("doctor --nonsense")]
    [InlineData("bench")]
    [InlineData("classify")]
    [InlineData("evaluate --model x")]
    [InlineData("compare --model x")]
    [InlineData("bench attention")]
    public void UsageErrors_GiveExitCode2(string arguments) => CommandRun.Of(arguments.Split(' ')).ShouldBeBadInput("--help");

    [Fact]
    public void UnexpectedFailures_GiveExitCode1_AndOneLine()
    {
        using var error = new StringWriter();
        var context = new CliContext(TextWriter.Null, error, TimeProvider.System, CancellationToken.None);
        Assert.Equal(ExitCodes.Failure, CommandLineApplication.Guard(context, () => throw new InvalidOperationException("one\ntwo")));
        Assert.Equal("binattn: InvalidOperationException: one two", error.ToString().TrimEnd());
    }

    [Fact]
    public void Doctor_WritesItsContract()
    {
        CommandRun run = CommandRun.Of("doctor", "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        var line = Assert.Single(run.JsonLines);
        Assert.True(line.GetProperty("cores").GetInt32() >= 1);
        Assert.All(line.GetProperty("kernels").EnumerateArray(), kernel => Assert.True(kernel.GetProperty("isUsable").GetBoolean() || kernel.GetProperty("whyNot").GetString()!.Length > 0));
        Assert.Contains(line.GetProperty("kernels").EnumerateArray(), kernel => kernel.GetProperty("name").GetString() == "reference");
        Assert.All((string[])["version", "cpu", "cpuFeatures", "runtime", "operatingSystem", "architecture", "defaultKernel"], name => Assert.True(line.TryGetProperty(name, out _), name));
    }

    [Fact]
    public void Doctor_WritesATable()
    {
        CommandRun run = CommandRun.Of("doctor");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("reference", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
    }
}
