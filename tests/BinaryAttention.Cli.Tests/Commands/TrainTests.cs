using System.Text.Json;
using System.Xml.Linq;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class TrainTests
{
    private const string Sample = "samples/03-train-mnist/config.json";

    // The sample on few digits, small enough for a test of seconds.
    private static readonly string[] Small = ["--set", "epochs=2", "--set", "data.train.count=128", "--set", "data.select.count=32", "--set", "data.test.count=32", "--set", "model.depth=1", "--set", "schedule.warmUpEpochs=0", "--set", "threads=2"];

    [Fact]
    public void Train_ThenReport_ThenCompare()
    {
        using var folder = new TemporaryFolder();
        CommandRun train = Run(folder, "--seeds", "1,2", "--json");
        Assert.True(train.ExitCode == 0, train.Error);
        Assert.Equal([1, 2], train.JsonLines.Select(static line => line.GetProperty("seed").GetInt32()));
        Assert.All(train.JsonLines, static line => Assert.Equal(32, line.GetProperty("testPictures").GetInt32()));
        Assert.Contains("epoch 2, step 4 of 4: loss", train.Error, StringComparison.Ordinal);
        string run = Path.Combine(folder["run"], "seed-1");

        CommandRun report = CommandRun.Of("report", run, "--pictures", "2");
        Assert.True(report.ExitCode == 0, report.Error);
        string page = File.ReadAllText(Path.Combine(run, "report.html"));
        XDocument.Parse(page.Replace("<!DOCTYPE html>", string.Empty, StringComparison.Ordinal));
        Assert.Contains("<polyline", page, StringComparison.Ordinal);
        Assert.Contains("Confusion on the test pictures", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("alt=\"the picture\"").Length - 1);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);

        CommandRun compare = CommandRun.Of("report", "--compare", folder["run"], run);
        Assert.Contains("| run | 2 |", compare.Output, StringComparison.Ordinal);
        Assert.Contains("| seed-1 | 1 |", compare.Output, StringComparison.Ordinal);
        JsonElement first = CommandRun.Of("report", "--compare", folder["run"], run, "--json").JsonLines[0];
        Assert.Equal(2, first.GetProperty("seeds").GetInt32());
        CommandRun stored = CommandRun.Of("report", "--compare", folder["run"], run, "--json", "-o", folder["table.jsonl"]);
        Assert.Equal((ExitCodes.Success, string.Empty), (stored.ExitCode, stored.Output));
        Assert.Equal(2, File.ReadAllLines(folder["table.jsonl"]).Length);

        // A page without pictures is still a page.
        string moved = Path.Combine(folder["run"], "seed-2"), settings = Path.Combine(moved, "config.json");
        File.WriteAllText(settings, File.ReadAllText(settings).Replace("train-images", "moved-images", StringComparison.Ordinal));
        CommandRun bare = CommandRun.Of("report", moved);
        Assert.True(bare.ExitCode == 0, bare.Error);
        Assert.Contains("the report has no pictures", bare.Error, StringComparison.Ordinal);

        // The exported model is an ordinary checkpoint, and evaluate comes to the same accuracy.
        CommandRun evaluate = CommandRun.Of(
            "evaluate", "--model", Path.Combine(run, "model.safetensors"), "--idx-images", Digits("images"), "--idx-labels", Digits("labels"), "--take", "32", "--attention", "naive-binary", "--quantization", "tiled", "--json");
        Assert.True(evaluate.ExitCode == 0, evaluate.Error);
        Assert.Equal(train.JsonLines[0].GetProperty("testAccuracy").GetDouble(), evaluate.JsonLines[0].GetProperty("top1").GetDouble(), 9);
    }

    [Fact]
    public void Folder_ThatHoldsARun_IsContinuedOnlyIfAsked()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(ExitCodes.Success, Run(folder).ExitCode);
        Run(folder).ShouldBeBadInput("holds a run already", "--resume");
        CommandRun again = Run(folder, "--resume");
        Assert.Equal(ExitCodes.Success, again.ExitCode);
        Assert.Contains("is finished", again.Error, StringComparison.Ordinal);
        Run(folder, "--resume", "--set", "batch=32").ShouldBeBadInput("\"batch\": 64", "\"batch\": 32");
    }

    [Fact]
    public void Folders_OfAllSeedsAreCheckedFirst()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder["run"], "seed-2"));
        File.WriteAllText(Path.Combine(folder["run"], "seed-2", "model.safetensors"), "mine");
        Run(folder, "--seeds", "1,2").ShouldBeBadInput("holds model.safetensors but no config.json");
        Run(folder, "--seeds", "1,2", "--dry-run").ShouldBeBadInput("holds model.safetensors but no config.json");
        Assert.False(Directory.Exists(Path.Combine(folder["run"], "seed-1")));
    }

    [Fact]
    public void DryRun_SaysWhatItWouldDo()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = Run(folder, "--dry-run", "--json");
        JsonElement line = Assert.Single(run.JsonLines);
        Assert.Equal((4, 128), (line.GetProperty("steps").GetInt32(), line.GetProperty("trainPictures").GetInt32()));
        Assert.True(line.GetProperty("activationBytes").GetInt64() > 0);
        Assert.Contains("Nothing was written.", Run(folder, "--dry-run").Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void Interrupted_EndsWith130AndCanBeContinued()
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        CommandRun run = CommandRun.Of(cancellation.Token, [.. Arguments(folder)]);
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.Contains("--resume", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, Run(folder, "--resume").ExitCode);
    }

    [Fact]
    public void Mistakes_AreNamed()
    {
        using var folder = new TemporaryFolder();
        Run(folder, "--set", "optimizer.learningrate=1").ShouldBeBadInput("learningrate", "Did you mean learningRate?");
        Run(folder, "--set", "epochs=0").ShouldBeBadInput("epochs is 0");
        Run(folder, "--seeds", "1,x").ShouldBeBadInput("--seeds is \"1,x\"");
        Run(folder, "--seeds", "1,1").ShouldBeBadInput("must be there once");
        CommandRun.Of("train", "--config", folder["none.json"]).ShouldBeBadInput("does not exist");
        CommandRun.Of("report", folder.Path).ShouldBeBadInput("holds no training run");
        CommandRun.Of("report").ShouldBeBadInput("--compare");
    }

    private static CommandRun Run(TemporaryFolder folder, params string[] more) => CommandRun.Of([.. Arguments(folder), .. more]);

    private static string[] Arguments(TemporaryFolder folder) => ["train", "--config", RepositoryFolder.PathOf(Sample), "-o", folder["run"], .. Small];

    private static string Digits(string what) => RepositoryFolder.PathOf(what == "images" ? "samples/digits/test-images.idx3.gz" : "samples/digits/test-labels.idx1.gz");
}
