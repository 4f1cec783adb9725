// calibrate, from the command line to a checkpoint that other commands run.
using System.Text.Json;
using System.Xml.Linq;
using BinaryAttention.Formats.Images;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class CalibrateTests
{
    private static readonly string Digits = RepositoryFolder.PathOf("samples/models/vit_mnist.pt");
    private static readonly string DeitTiny = RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors");
    private static readonly string Photos = RepositoryFolder.PathOf("samples/photos");
    private static readonly string[] Pictures = ["--idx-images", RepositoryFolder.PathOf("samples/digits/images.idx3.gz"), "--idx-labels", RepositoryFolder.PathOf("samples/digits/labels.idx1.gz")];

    [Fact]
    public void Digits_RunBetterThanNaive_AndTheSameCommandWritesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--recipe", "closed-form", "--limit", "24", "--test", "100", "--json"];
        CommandRun run = CommandRun.Of([.. arguments, "-o", folder["a.safetensors"], "--threads", "1"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal(6, Of(run, "layer").Length);
        JsonElement[] outcomes = Of(run, "outcome");
        Assert.Equal(["exact", "naive one-bit", "calibrated one-bit"], outcomes.Select(static line => line.GetProperty("attention").GetString()), StringComparer.Ordinal);
        Assert.True(outcomes[2].GetProperty("agreement").GetDouble() > outcomes[1].GetProperty("agreement").GetDouble() + 0.1);
        JsonElement total = Assert.Single(Of(run, "total"));
        Assert.Equal((24, 100), (total.GetProperty("images").GetInt32(), total.GetProperty("testImages").GetInt32()));

        Assert.Equal(ExitCodes.Success, CommandRun.Of([.. arguments, "-o", folder["b.safetensors"], "--threads", "2"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["a.safetensors"]), File.ReadAllBytes(folder["b.safetensors"]));

        // The activation is in the file now.
        CommandRun both = CommandRun.Of(["evaluate", "--model", folder["a.safetensors"], .. Pictures, "--attention", "both", "--json"]);
        Assert.Equal(["exact", "calibrated"], both.JsonLines.Select(static line => line.GetProperty("attention").GetString()), StringComparer.Ordinal);
        Assert.True(both.JsonLines[1].GetProperty("agreement").GetDouble() >= 0.85);
        Assert.Contains("calibrated already", CommandRun.Of([.. arguments[..1], "--model", folder["a.safetensors"], .. Pictures, "-o", folder["c.safetensors"]]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void DeitTiny_WritesAPage()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--recipe", "closed-form", "-o", folder["out.safetensors"], "--html", folder["page.html"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("those fitted on", run.Output, StringComparison.Ordinal);
        Assert.Equal(12, run.Error.Split('\n').Count(static line => line.StartsWith("layer ", StringComparison.Ordinal)));
        var page = XDocument.Parse(File.ReadAllText(folder["page.html"]));
        Assert.Equal(3 + (3 * 12 * 3 * 3), page.Descendants("img").Count());
        Assert.All(page.Descendants("img"), static image => Assert.StartsWith("data:image/png;base64,", image.Attribute("src")!.Value, StringComparison.Ordinal));
    }

    [Fact]
    public void Rejects_WhatCannotBeCalibrated()
    {
        using var folder = new TemporaryFolder();
        string output = folder["out.safetensors"];
        CommandRun.Of("calibrate", "--model", DeitTiny, "-o", output).ShouldBeBadInput("--images DIR or --idx-images FILE");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--limit", "3", "-o", output).ShouldBeBadInput("3 pictures", "at least 4");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--planes", "2", "-o", output).ShouldBeBadInput("QueryPlanes is 2", "ClosedForm");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--exact-layers", "12", "-o", output).ShouldBeBadInput("--exact-layers is 12");
        string there = folder.Write("there.safetensors", "something");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "-o", there).ShouldBeBadInput("exists", "--force");
        string oneBit = OneBitCheckpoint.Write(folder);
        CommandRun relative = CommandRun.Of("calibrate", "--model", oneBit, "--images", Photos, "-o", output);
        Assert.Equal(ExitCodes.BadInput, relative.ExitCode);
        Assert.Contains("relative-position tables", relative.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(output));
        Assert.Equal("something", File.ReadAllText(there));
    }

    [Fact]
    public void Rejects_PicturesOfOneColour_AndLeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        string pictures = Directory.CreateDirectory(folder["pictures"]).FullName;
        for (int i = 0; i < 5; i++)
        {
            var pixels = new byte[3 * 8 * 8];
            Array.Fill(pixels, (byte)(40 * i));
            File.WriteAllBytes(Path.Combine(pictures, $"{i}.png"), PngEncoder.Encode(new RgbImage(8, 8, pixels)));
        }

        CommandRun run = CommandRun.Of("calibrate", "--model", DeitTiny, "--images", pictures, "-o", folder["out.safetensors"]);
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("one colour", run.Error, StringComparison.Ordinal);
        Assert.Equal(["pictures"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(pictures)!).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Fact]
    public void Interrupted_LeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        CommandRun run = CommandRun.Of(stop.Token, ["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "-o", folder["out.safetensors"]]);
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.False(File.Exists(folder["out.safetensors"]));
    }

    private static JsonElement[] Of(CommandRun run, string kind) => [.. run.JsonLines.Where(line => line.GetProperty("kind").GetString() == kind)];
}
