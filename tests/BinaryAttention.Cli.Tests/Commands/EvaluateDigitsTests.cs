// evaluate on IDX files with the sample transformer for digits.
using System.IO.Compression;
using System.Text.Json;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class EvaluateDigitsTests
{
    private static readonly string Model = RepositoryFolder.PathOf("samples/models/vit_mnist.pt");
    private static readonly string Images = RepositoryFolder.PathOf("samples/digits/images.idx3.gz");
    private static readonly string Labels = RepositoryFolder.PathOf("samples/digits/labels.idx1.gz");

    [Fact]
    public void Exact_GetsTheMeasuredShareRight()
    {
        CommandRun run = Run("--activation", "relu", "--json");
        Assert.Equal(string.Empty, run.Error);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement line = Assert.Single(run.JsonLines);
        Assert.Equal(200, line.GetProperty("images").GetInt32());
        Assert.Equal(0.995, line.GetProperty("top1").GetDouble());
        Assert.Equal(1.0, line.GetProperty("agreement").GetDouble());
        Assert.Equal("exact", line.GetProperty("attention").GetString());
    }

    [Fact]
    public void Both_GivesALineEach_AndOneTable()
    {
        string[] args = ["--activation", "relu", "--attention", "both", "--skip", "150", "--take", "40"];
        IReadOnlyList<JsonElement> lines = Run([.. args, "--json"]).JsonLines;
        Assert.Equal(["exact", "naive-binary"], lines.Select(line => line.GetProperty("attention").GetString()), StringComparer.Ordinal);
        Assert.All(lines, line => Assert.Equal(40, line.GetProperty("images").GetInt32()));
        Assert.True(lines[1].GetProperty("top1").GetDouble() < lines[0].GetProperty("top1").GetDouble());
        string table = Run(args).Output;
        Assert.Contains("40 pictures", table, StringComparison.Ordinal);
        Assert.Contains("exact", table, StringComparison.Ordinal);
        Assert.Contains("naive-binary", table, StringComparison.Ordinal);

        // The same alone as beside exact attention.
        Assert.Equal(lines[1].GetProperty("top1").GetDouble(), Assert.Single(Run("--activation", "relu", "--attention", "naive-binary", "--skip", "150", "--take", "40", "--json").JsonLines).GetProperty("top1").GetDouble());
    }

    [Fact]
    public void Options_ChangeTheModel_AndTheDigits()
    {
        double right = Assert.Single(Run("--activation", "relu", "--json").JsonLines).GetProperty("top1").GetDouble();
        Assert.NotEqual(right, Assert.Single(Run("--activation", "relu", "--heads", "16", "--json").JsonLines).GetProperty("top1").GetDouble());
        Assert.NotEqual(right, Assert.Single(Run("--activation", "relu", "--mean", "0.9", "--std", "2.5", "--json").JsonLines).GetProperty("top1").GetDouble());
    }

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        using var folder = new TemporaryFolder();
        Run("--heads", "5").ShouldBeBadInput("HeadCount is 5", "256 channels");
        Run("--heads", "0").ShouldBeBadInput("--heads", "at least 1");
        Run("--activation", "tanh").ShouldBeBadInput("--activation", "gelu, relu");
        Run("--prefix", "ema").ShouldBeBadInput("'ema.'");
        Run("--skip", "200").ShouldBeBadInput("--skip is 200", "only 200 pictures");
        Run("--skip", "-1").ShouldBeBadInput("--skip");
        Run("--skip", "150", "--take", "51").ShouldBeBadInput("--take is 51", "only 50");
        Run("--take", "0").ShouldBeBadInput("--take");
        Run("--mean", "0.1,0.2,0.3").ShouldBeBadInput("--mean", "one number");
        Run("--std", "0").ShouldBeBadInput("--std", "above 0");
        Run("--crop", "28").ShouldBeBadInput("--crop does not go with --idx-images");
        Run("--labels", "x.csv").ShouldBeBadInput("--labels does not go with --idx-images");
        CommandRun.Of("evaluate", "--model", Model, "--idx-images", Images).ShouldBeBadInput("--idx-labels is missing");
        CommandRun.Of("evaluate", "--model", Model).ShouldBeBadInput("--images is missing", "--idx-images");
        CommandRun.Of("evaluate", "--model", Model, "--idx-images", Labels, "--idx-labels", Images).ShouldBeBadInput("labels.idx1.gz", "swapped");
        CommandRun.Of("evaluate", "--model", RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors"), "--idx-images", Images, "--idx-labels", Labels).ShouldBeBadInput("224 x 224 pictures of 3 channels", "28 x 28 grey");
        string labels = folder.Write("eleven.idx", [0, 0, 8, 1, 0, 0, 0, 200, .. Enumerable.Repeat((byte)10, 200)]);
        CommandRun.Of("evaluate", "--model", Model, "--idx-images", Images, "--idx-labels", labels).ShouldBeBadInput("picture 0 has label 10", "10 classes");

        // Photographs and their options.
        string photos = RepositoryFolder.PathOf("samples/photos"), csv = folder.Write("labels.csv", "coffee.png,1\n");
        CommandRun.Of("evaluate", "--model", Model, "--images", photos, "--labels", csv, "--take", "1").ShouldBeBadInput("--take does not go with --images");
        CommandRun.Of("evaluate", "--model", Model, "--images", photos, "--labels", csv, "--crop", "28").ShouldBeBadInput("1 channels; square RGB is expected");
        CommandRun.Of("classify", Path.Combine(photos, "coffee.png"), "--model", Model).ShouldBeBadInput("1 channels; square RGB is expected");
    }

    [Fact]
    public void TheCommandOfTheModelsPage_Runs()
    {
        string line = Assert.Single(File.ReadLines(RepositoryFolder.PathOf("docs/models.md")), text => text.StartsWith("./binattn evaluate ", StringComparison.Ordinal));
        string[] args = [.. line.Split(' ').Skip(1).Select(word => word.StartsWith("samples/", StringComparison.Ordinal) ? RepositoryFolder.PathOf(word) : word)];
        CommandRun run = CommandRun.Of(args);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("99.50", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void PlainFiles_AreReadAsPackedOnesAre()
    {
        using var folder = new TemporaryFolder();
        string images = Unpack(Images, folder["images"]), labels = Unpack(Labels, folder["labels"]);
        CommandRun run = CommandRun.Of("evaluate", "--model", Model, "--activation", "relu", "--idx-images", images, "--idx-labels", labels, "--take", "10", "--json");
        Assert.Equal(10, Assert.Single(run.JsonLines).GetProperty("images").GetInt32());
    }

    private static string Unpack(string packed, string path)
    {
        using var content = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress);
        using FileStream target = File.Create(path);
        content.CopyTo(target);
        return path;
    }

    private static CommandRun Run(params string[] args) => CommandRun.Of(["evaluate", "--model", Model, "--idx-images", Images, "--idx-labels", Labels, .. args]);
}
