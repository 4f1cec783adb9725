// calibrate, from the command line to a checkpoint that other commands run.
using System.Text.Json;
using System.Xml.Linq;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Vision;
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
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--planes", "2", "-o", output).ShouldBeBadInput("--planes is 2", "--recipe closed-form");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--code-factor", "3", "-o", output).ShouldBeBadInput("--code-factor is 3", "1 to 2");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--rank", "17", "-o", output).ShouldBeBadInput("--rank is 17", "0 to 16");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--steps", "100001", "-o", output).ShouldBeBadInput("--steps is 100001");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "-o", output, "--html", Path.Combine(folder["."], "out.safetensors")).ShouldBeBadInput("--html", "the file of --output");
        CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "-o", output, "--html", output + ".partial").ShouldBeBadInput("--html", "finished layers");
        CommandRun.Of(["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--labels", "labels.csv", "-o", output]).ShouldBeBadInput("--labels does not go with --idx-images");
        CommandRun.Of(["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--std", "0", "-o", output]).ShouldBeBadInput("--std is \"0\"");
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
            for (int j = 0; j < pixels.Length; j++)
            {
                // A colour, not a grey: the channels differ, and differ after normalisation in any case.
                pixels[j] = (byte)((40 * i) + (j % 3));
            }

            File.WriteAllBytes(Path.Combine(pictures, $"{i}.png"), PngEncoder.Encode(new RgbImage(8, 8, pixels)));
        }

        CommandRun run = CommandRun.Of("calibrate", "--model", DeitTiny, "--images", pictures, "-o", folder["out.safetensors"]);
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("0.png is of one colour", run.Error, StringComparison.Ordinal);
        Assert.Equal(["pictures"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(pictures)!).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Fact]
    public void Interrupted_LeavesNothingBut_FinishedLayers()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--limit", "16", "--steps", "20", "--threads", "1", "-o", folder["out.safetensors"], "--html", folder["page.html"]];
        Assert.Equal(ExitCodes.Interrupted, CommandRun.Of(new CancellationToken(canceled: true), arguments).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder["."]));

        using var stop = new CancellationTokenSource();
        using var error = new StoppingWriter("layer 0:", stop);
        Assert.Equal(ExitCodes.Interrupted, CommandLineApplication.Run(arguments, TextWriter.Null, error, new FixedTime(), null, stop.Token));
        Assert.Contains("1 finished layers are kept", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(["out.safetensors.partial"], Directory.EnumerateFileSystemEntries(folder["."]).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("--exact-layers 0,3", "1 2 4 5", 64, 0, 1)]
    [InlineData("--rank 2", "0 1 2 3 4 5", 64, 2, 1)]
    [InlineData("--planes 2", "0 1 2 3 4 5", 64, 0, 2)]
    [InlineData("--code-factor 2", "0 1 2 3 4 5", 128, 0, 1)]
    [InlineData("--key-weights per-token", "0 1 2 3 4 5", 64, 0, 1)]
    [InlineData("--exact-class-row", "0 1 2 3 4 5", 64, 0, 1)]
    [InlineData("--mean 0.1 --std 0.5", "0 1 2 3 4 5", 64, 0, 1)]
    public void EveryOption_IsInTheFile(string option, string layers, int codeLength, int rank, int planes)
    {
        using var folder = new TemporaryFolder();
        string output = folder["out.safetensors"];
        CommandRun run = CommandRun.Of(["calibrate", "--model", Digits, "--activation", "relu", .. Pictures, "--recipe", "closed-form", "--limit", "8", "--test", "40", "--json", "-o", output, .. option.Split(' ')]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        VisionTransformer model = VisionTransformer.Load(output);
        CalibratedForm form = model.Configuration.Calibration!;
        Assert.Equal(layers, string.Join(' ', form.Layers));
        Assert.Equal((codeLength, rank, planes, planes), (form.CodeLength, form.Rank, form.QueryPlanes, form.KeyPlanes));
        Assert.Equal(planes == 2 || option.Contains("per-token", StringComparison.Ordinal), form.WeightsKeys);
        Assert.Equal(option.Contains("class-row", StringComparison.Ordinal), form.HasExactSpecialRows);
        JsonElement[] outcomes = Of(run, "outcome");
        Assert.True(outcomes[2].GetProperty("divergence").GetDouble() < outcomes[1].GetProperty("divergence").GetDouble());
    }

    [Fact]
    public void LabelsOfAnotherModel_AreRefusedBeforeTheWork()
    {
        using var folder = new TemporaryFolder();
        string names = string.Concat(Directory.EnumerateFiles(Photos, "*.png").Select(static path => $"{Path.GetFileName(path)},1000\n"));
        CommandRun run = CommandRun.Of("calibrate", "--model", DeitTiny, "--images", Photos, "--labels", folder.Write("labels.csv", "file,label\n" + names), "-o", folder["out.safetensors"]);
        run.ShouldBeBadInput("has label 1000", "1000 classes");
    }

    [Fact]
    public void ABrokenTestPicture_IsLeftOut()
    {
        using var folder = new TemporaryFolder();
        string pictures = Directory.CreateDirectory(folder["pictures"]).FullName;
        for (int i = 0; i < 6; i++)
        {
            var pixels = new byte[3 * 8 * 8];
            new Random(i).NextBytes(pixels);

            // Those at 0, 1, 3 and 4 are fitted on.
            File.WriteAllBytes(Path.Combine(pictures, $"{i}.png"), i == 2 ? [1, 2, 3] : PngEncoder.Encode(new RgbImage(8, 8, pixels)));
        }

        CommandRun run = CommandRun.Of(
            "calibrate", "--model", DeitTiny, "--images", pictures, "--limit", "4", "--recipe", "closed-form", "--exact-layers", "1,2,3,4,5,6,7,8,9,10,11", "-o", folder["out.safetensors"], "--html", folder["page.html"], "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("2.png", run.Error, StringComparison.Ordinal);
        Assert.Contains("left out of the figures", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(Of(run, "total")).GetProperty("testImages").GetInt32());
        Assert.True(File.Exists(folder["out.safetensors"]));
        string page = File.ReadAllText(folder["page.html"]);
        Assert.Contains("Content-Security-Policy", page, StringComparison.Ordinal);
        Assert.Contains("weighs 20 times", page, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatAppearsMeanwhile_IsKept_AndThePageIsTakenBack()
    {
        using var folder = new TemporaryFolder();
        var files = CalibrationFiles.Check(folder["out.safetensors"], folder["page.html"], mayReplace: false);
        folder.Write("out.safetensors", "something");
        Assert.Contains("--force", Assert.Throws<BadInputException>(() => files.Write([], new Dictionary<string, string>(StringComparer.Ordinal), "page")).Message, StringComparison.Ordinal);
        Assert.Equal("something", File.ReadAllText(folder["out.safetensors"]));
        Assert.Equal(["out.safetensors"], Directory.EnumerateFileSystemEntries(folder["."]).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    private static JsonElement[] Of(CommandRun run, string kind) => [.. run.JsonLines.Where(line => line.GetProperty("kind").GetString() == kind)];

    /// <summary>Cancels when a line begins as said.</summary>
    private sealed class StoppingWriter(string start, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.StartsWith(start, StringComparison.Ordinal) == true)
            {
                stop.Cancel();
            }
        }
    }
}
