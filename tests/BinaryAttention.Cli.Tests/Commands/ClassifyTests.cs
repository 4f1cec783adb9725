using System.Text.Json;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class ClassifyTests
{
    private static readonly string Chelsea = RepositoryFolder.PathOf("samples/photos/chelsea.png");
    private static readonly string Coffee = RepositoryFolder.PathOf("samples/photos/coffee.png");

    [Fact]
    public void Json_HasOneLineForEachPhotographAndAttention()
    {
        CommandRun run = CommandRun.Of("classify", Chelsea, Coffee, "--json", "--top", "3");
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        IReadOnlyList<JsonElement> lines = run.JsonLines;
        Assert.Equal(
            $"{Chelsea} exact, {Chelsea} naive-binary, {Coffee} exact, {Coffee} naive-binary",
            string.Join(", ", lines.Select(line => $"{line.GetProperty("image")} {line.GetProperty("attention")}")));
        foreach (JsonElement line in lines)
        {
            Assert.True(line.GetProperty("milliseconds").GetDouble() > 0);
            double[] probabilities = [.. line.GetProperty("predictions").EnumerateArray().Select(prediction => prediction.GetProperty("probability").GetDouble())];
            Assert.Equal(3, probabilities.Length);
            Assert.Equal(probabilities.OrderDescending(), probabilities);
        }

        Assert.Matches("^(tabby|Egyptian cat|tiger cat)$", First(lines[0]));
        Assert.Equal("espresso", First(lines[2]));
    }

    [Fact]
    public void Table_EndsWithAnHonestLine()
    {
        CommandRun run = CommandRun.Of("classify", Coffee);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("espresso", run.Output, StringComparison.Ordinal);
        Assert.Contains("about a third of the top-1", run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("both")]
    [InlineData("exact")]
    [InlineData("naive-binary")]
    public void ACheckpointTrainedWithOneBitAttention_IsNotCalledNaive(string attention)
    {
        using var folder = new TemporaryFolder();
        string model = OneBitCheckpoint.Write(folder);
        CommandRun run = CommandRun.Of("classify", Coffee, "--model", model, "--attention", attention);
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.DoesNotContain("naive", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("trained with exact", run.Output, StringComparison.Ordinal);
        Assert.Equal(attention is not "exact", run.Output.Contains("one-bit, ", StringComparison.Ordinal));
        string closing = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.Contains("relative-position tables, i.e. it was trained with one-bit attention", closing, StringComparison.Ordinal);
        Assert.Contains("the exact column) is the foreign one", closing, StringComparison.Ordinal);

        IEnumerable<string?> names = CommandRun.Of("classify", Coffee, "--model", model, "--attention", attention, "--json").JsonLines.Select(line => line.GetProperty("attention").GetString());
        Assert.Equal(attention is "both" ? "exact naive-binary" : attention, string.Join(' ', names));
    }

    [Fact]
    public void ExactAlone_SaysNothingAboutBinary()
    {
        CommandRun run = CommandRun.Of("classify", Coffee, "--attention", "exact");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.DoesNotContain("naive-binary", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedPhotograph_LeavesTheOthersTheirAnswers()
    {
        using var folder = new TemporaryFolder();
        string truncated = folder.Write("truncated.png", File.ReadAllBytes(Coffee)[..20_000]);
        CommandRun run = CommandRun.Of("classify", truncated, Coffee, "--attention", "exact", "--json");
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("truncated.png", run.Error, StringComparison.Ordinal);
        Assert.Equal(Coffee, Assert.Single(run.JsonLines).GetProperty("image").GetString());
    }

    [Fact]
    public void WithoutAnyAnswer_NothingIsSaidAboutAnswers()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Of("classify", folder.Write("empty.png", [])).ShouldBeBadInput("empty.png", "the file is empty");
    }

    [Fact]
    public void AMisspeltOption_IsNamedAsOne() => CommandRun.Of("classify", Coffee, "--tpo").ShouldBeBadInput("--tpo", "option");

    [Fact]
    public void WeightsThatGiveNoFiniteLogits_AreRefused()
    {
        // The last tensor of the file is overwritten with float16 NaN; the shapes stay right.
        using var folder = new TemporaryFolder();
        byte[] bytes = File.ReadAllBytes(RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors"));
        bytes.AsSpan(bytes.Length - 64).Fill(0x7F);
        CommandRun.Of("classify", Coffee, "--model", folder.Write("nan.safetensors", bytes)).ShouldBeBadInput("nan.safetensors", "NaN", "must be finite");
    }

    [Fact]
    public void AnUnreadableFile_IsBadInput()
    {
        using var folder = new TemporaryFolder();
        string locked = folder.Write("locked.png", File.ReadAllBytes(Coffee));

        // Held open without sharing: refused on every system, whoever runs the test.
        using var holder = new FileStream(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        CommandRun.Of("classify", locked).ShouldBeBadInput("locked.png", "cannot be read");
    }

    [Fact]
    public void Refuses_MissingFilesAndBadOptions()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Of("classify", Path.Combine(folder.Path, "none.png")).ShouldBeBadInput("none.png", "does not exist");
        CommandRun.Of("classify", Coffee, Path.Combine(folder.Path, "none.png")).ShouldBeBadInput("none.png");
        CommandRun.Of("classify", Coffee, "--model", Path.Combine(folder.Path, "none.safetensors")).ShouldBeBadInput("none.safetensors");
        CommandRun.Of("classify", Coffee, "--model", folder.Write("bad.safetensors", [1, 2, 3, 4])).ShouldBeBadInput("bad.safetensors");
        CommandRun.Of("classify", Coffee, "--attention", "one-bit").ShouldBeBadInput("naive-binary");
        CommandRun.Of("classify", Coffee, "--top", "0").ShouldBeBadInput("--top");
    }

    [Fact]
    public void Cancellation_GivesExitCode130()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        CommandRun run = CommandRun.Of(cancelled.Token, "classify", Coffee, "--json");
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.Empty(run.Output);
    }

    private static string First(JsonElement line) => line.GetProperty("predictions")[0].GetProperty("name").GetString()!;
}
