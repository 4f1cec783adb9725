using System.Text.Json;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class EvaluateTests
{
    private const string Labels = "file,label\nchelsea.png,285\ncoffee.png,967\ncamera.png,872\n";

    private static readonly string Model = RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors");
    private static readonly string Photos = RepositoryFolder.PathOf("samples/photos");

    [Fact]
    public void Exact_WritesItsContract()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("evaluate", "--model", Model, "--images", Photos, "--labels", folder.Write("labels.csv", Labels), "--json");
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement last = run.JsonLines[^1];
        Assert.Equal(3, last.GetProperty("images").GetInt32());
        Assert.Equal(0, last.GetProperty("unreadable").GetInt32());
        Assert.Equal(1.0, last.GetProperty("top1").GetDouble());
        Assert.Equal(1.0, last.GetProperty("top5").GetDouble());
        Assert.Equal(1.0, last.GetProperty("agreement").GetDouble());
        Assert.True(last.GetProperty("millisecondsPerImage").GetDouble() > 0);
        Assert.Equal(0, last.GetProperty("divergence").GetDouble());
        Assert.Equal("fp32", last.GetProperty("linear").GetString());
    }

    [Fact]
    public void EightBitLinearLayers_KeepTheAnswers_AndSayHowFarTheyAre()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("evaluate", "--model", Model, "--images", Photos, "--labels", folder.Write("labels.csv", Labels), "--linear", "int8", "--json");
        Assert.Equal(string.Empty, run.Error);
        JsonElement last = run.JsonLines[^1];
        Assert.Equal("int8", last.GetProperty("linear").GetString());
        Assert.Equal(1.0, last.GetProperty("top1").GetDouble());
        Assert.Equal(1.0, last.GetProperty("agreement").GetDouble());
        Assert.InRange(last.GetProperty("divergence").GetDouble(), 1e-6, 0.01);
    }

    [Theory]
    [InlineData("full")]
    [InlineData("tiled")]
    public void NaiveBinary_GivesFractions(string quantization)
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("evaluate", "--model", Model, "--images", Photos, "--labels", folder.Write("labels.csv", Labels), "--attention", "naive-binary", "--quantization", quantization, "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement last = run.JsonLines[^1];
        foreach (string name in (string[])["top1", "top5", "agreement"])
        {
            double thirds = 3 * last.GetProperty(name).GetDouble();
            Assert.InRange(thirds, 0, 3);
            Assert.Equal(Math.Round(thirds), thirds, 1e-9);
        }
    }

    [Fact]
    public void Table_GivesPercents()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("evaluate", "--model", Model, "--images", Photos, "--labels", folder.Write("labels.csv", Labels));
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("100.00", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedPicture_IsCounted_AndLeavesTheOthersTheirFigures()
    {
        using var folder = new TemporaryFolder();
        byte[] coffee = File.ReadAllBytes(Path.Combine(Photos, "coffee.png"));
        folder.Write("a.png", coffee);
        folder.Write("b.png", coffee[..20_000]);
        folder.Write("c.png", coffee);
        string labels = folder.Write("labels.csv", "a.png,967\nb.png,967\nc.png,0\n");
        CommandRun run = Run("--model", Model, "--images", folder.Path, "--labels", labels);
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("b.png", Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        JsonElement last = Assert.Single(run.JsonLines);
        Assert.Equal(2, last.GetProperty("images").GetInt32());
        Assert.Equal(1, last.GetProperty("unreadable").GetInt32());
        Assert.Equal(0.5, last.GetProperty("top1").GetDouble());
        Assert.Equal(1.0, last.GetProperty("agreement").GetDouble());

        CommandRun table = CommandRun.Of("evaluate", "--model", Model, "--images", folder.Path, "--labels", labels);
        Assert.Equal(ExitCodes.BadInput, table.ExitCode);
        Assert.Contains("2 pictures (1 unreadable left out)", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutAnyReadablePicture_ThereAreNoFigures()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.png", []);
        folder.Write("b.png", [1, 2, 3]);
        CommandRun run = Run("--model", Model, "--images", folder.Path, "--labels", folder.Write("labels.csv", "a.png,1\nb.png,2\n"));
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Empty(run.Output);
        string[] lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Contains("none of the 2 pictures", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void ACheckpointTrainedWithOneBitAttention_IsNotCalledNaive()
    {
        using var folder = new TemporaryFolder();
        string[] args = ["evaluate", "--model", OneBitCheckpoint.Write(folder), "--images", Photos, "--labels", folder.Write("labels.csv", "coffee.png,1\n"), "--crop", $"{OneBitCheckpoint.ImageSize}", "--attention", "naive-binary"];
        CommandRun run = CommandRun.Of(args);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("one-bit attention", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("naive", run.Output, StringComparison.Ordinal);
        Assert.Contains("the exact column) is the foreign one", run.Output, StringComparison.Ordinal);
        Assert.Equal("naive-binary", Assert.Single(CommandRun.Of([.. args, "--json"]).JsonLines).GetProperty("attention").GetString());
    }

    [Fact]
    public void Help_SaysWhatHappensToDamagedPictures() => Assert.Contains("\"unreadable\"", CommandRun.Of("evaluate", "--help").Output, StringComparison.Ordinal);

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        using var folder = new TemporaryFolder();
        string labels = folder.Write("labels.csv", Labels);
        Run("--model", Model, "--images", Photos, "--labels", folder.Write("large.csv", "file,label\ncoffee.png,1000\n")).ShouldBeBadInput("label 1000", "1000 classes");
        Run("--model", Model, "--images", Photos, "--labels", folder.Write("missing.csv", "file,label\ncoffee.png,967\nnone.png,1\n")).ShouldBeBadInput("none.png");
        Run("--model", Model, "--images", Photos, "--labels", folder.Write("text.csv", "file,label\ncoffee.png,espresso\n")).ShouldBeBadInput("text.csv");
        Run("--model", Model, "--images", Photos, "--labels", Path.Combine(folder.Path, "none.csv")).ShouldBeBadInput("none.csv");
        Run("--model", Model, "--images", Path.Combine(folder.Path, "nowhere"), "--labels", labels).ShouldBeBadInput("nowhere");
        Run("--model", labels, "--images", Photos, "--labels", labels).ShouldBeBadInput("labels.csv");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--crop", "192").ShouldBeBadInput("--crop is 192", "224");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--mean", "1,2").ShouldBeBadInput("--mean");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--std", "1,0,1").ShouldBeBadInput("--std", "above 0");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--resize", "100").ShouldBeBadInput("--crop is 224", "--resize 100", "--resize 224 or more");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--resize", "20000", "--crop", "20000").ShouldBeBadInput("--crop is 20000", "16384");
        Run("--model", Model, "--images", labels, "--labels", labels).ShouldBeBadInput("labels.csv", "is a file; a directory is expected");
        Run("--model", Model, "--images", string.Empty, "--labels", labels).ShouldBeBadInput("--images is empty");
        Run("--model", string.Empty, "--images", Photos, "--labels", labels).ShouldBeBadInput("--model is empty");
    }

    private static CommandRun Run(params string[] args) => CommandRun.Of(["evaluate", .. args, "--json"]);
}
