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
        Assert.Equal(1.0, last.GetProperty("top1").GetDouble());
        Assert.Equal(1.0, last.GetProperty("top5").GetDouble());
        Assert.Equal(1.0, last.GetProperty("agreement").GetDouble());
        Assert.True(last.GetProperty("millisecondsPerImage").GetDouble() > 0);
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
        Run("--model", Model, "--images", Photos, "--labels", labels, "--std", "1,0,1").ShouldBeBadInput("standardDeviation");
        Run("--model", Model, "--images", Photos, "--labels", labels, "--resize", "100").ShouldBeBadInput("224", "100");
    }

    private static CommandRun Run(params string[] args) => CommandRun.Of(["evaluate", .. args, "--json"]);
}
