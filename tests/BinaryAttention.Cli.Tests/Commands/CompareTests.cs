using System.Text.Json;
using System.Xml.Linq;
using BinaryAttention.Cli.Console;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class CompareTests
{
    private static readonly string Model = RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors");
    private static readonly string Photos = RepositoryFolder.PathOf("samples/photos");

    [Fact]
    public void DeitTiny_WritesItsContract()
    {
        CommandRun run = CommandRun.Of("compare", "--model", Model, "--images", Photos, "--limit", "2", "--suggest", "1", "--json");
        Assert.Empty(Problems(run));
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement[] heads = Of(run, "head"), layers = Of(run, "layer"), mixtures = Of(run, "mixture");
        JsonElement total = Assert.Single(Of(run, "total"));
        Assert.Equal(run.JsonLines.Count, heads.Length + layers.Length + mixtures.Length + 1);
        Assert.Equal((36, 12, 2), (heads.Length, layers.Length, mixtures.Length));
        for (int i = 0; i < heads.Length; i++)
        {
            Assert.Equal((i / 3, i % 3), (heads[i].GetProperty("layer").GetInt32(), heads[i].GetProperty("head").GetInt32()));
            Assert.InRange(heads[i].GetProperty("mapDivergence").GetDouble(), 0.1, 3);
            Assert.InRange(heads[i].GetProperty("specialRowDivergence").GetDouble(), 0.01, 5);
            Assert.InRange(heads[i].GetProperty("mapCosine").GetDouble(), 0.2, 0.99);
            Assert.InRange(heads[i].GetProperty("specialRowCosine").GetDouble(), 0.05, 1);
            Assert.InRange(heads[i].GetProperty("quantizationError").GetDouble(), 1e-4, 0.05);
            Assert.Equal(heads[i].GetProperty("signError").GetDouble(), heads[i].GetProperty("outputError").GetDouble(), 0.02);
        }

        double all = mixtures[0].GetProperty("divergence").GetDouble(), suggested = mixtures[1].GetProperty("divergence").GetDouble();
        Assert.Equal(0, mixtures[0].GetProperty("exactLayers").GetArrayLength());
        Assert.Equal(layers.Min(layer => layer.GetProperty("sparedDivergence").GetDouble()), suggested);
        int best = total.GetProperty("exactLayers")[0].GetInt32();
        Assert.Equal(all - suggested, layers[best].GetProperty("gain").GetDouble(), 2e-6);
        Assert.Equal((2, 6), (total.GetProperty("images").GetInt32(), total.GetProperty("found").GetInt32()));
        Assert.Equal("deit_tiny_patch16_224.f16.safetensors", total.GetProperty("model").GetString());
        Assert.Equal(("per-head", "tiled"), (total.GetProperty("weighting").GetString(), total.GetProperty("quantization").GetString()));
        Assert.Equal(JsonValueKind.Null, total.GetProperty("html").ValueKind);
    }

    [Fact]
    public void Tables_EndWithTheSuggestion()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = Small(folder, "--limit", "2");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("the first 2 of 6 pictures", run.Output, StringComparison.Ordinal);
        Assert.Contains("KL class row", run.Output, StringComparison.Ordinal);
        Assert.Contains("this layer alone exact", run.Output, StringComparison.Ordinal);
        Assert.Contains("Suggestion: keep layer 0 exact", run.Output, StringComparison.Ordinal);
        Assert.Contains("agreement", run.Output, StringComparison.Ordinal);

        // The checkpoint's single layer exact is the exact model.
        Assert.Contains("-> 0.000 nats", run.Output, StringComparison.Ordinal);
        Assert.Contains("was trained with one-bit attention", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Suggestion", Small(folder, "--limit", "1", "--no-search").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_IsOneWellFormedFile_AndTheSameAgain()
    {
        using var folder = new TemporaryFolder();
        string page = folder["page.html"];
        string[] args = ["--limit", "2", "--map", "0.0", "--html", page, "--threads"];
        Assert.Equal(ExitCodes.Success, Small(folder, [.. args, "1"]).ExitCode);
        string first = File.ReadAllText(page);
        XDocument parsed = XDocument.Parse(first["<!DOCTYPE html>\n".Length..]);
        Assert.Equal(2, parsed.Descendants("summary").Count());
        Assert.Contains("one_bit.safetensors", parsed.Descendants("title").Single().Value, StringComparison.Ordinal);
        Assert.Contains("--map 0.0 --html", parsed.Descendants("code").Single().Value, StringComparison.Ordinal);

        Small(folder, [.. args, "1"]).ShouldBeBadInput("exists", "--force");
        Assert.Equal(ExitCodes.Success, Small(folder, [.. args, "1", "--force"]).ExitCode);
        Assert.Equal(first.Replace("--threads 1", "--threads 1 --force", StringComparison.Ordinal), File.ReadAllText(page));
        Assert.Equal(ExitCodes.Success, Small(folder, [.. args, "2", "--force"]).ExitCode);
        Assert.Equal(first.Replace("--threads 1", "--threads 2 --force", StringComparison.Ordinal), File.ReadAllText(page));
        Assert.Equal(["one_bit.safetensors", "page.html"], Names(folder));
    }

    [Fact]
    public void AHostileFileName_IsText()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such file names");
        const string name = "<script>alert(1)</script> & \"x' onload='y.png";
        using var folder = new TemporaryFolder();
        string pictures = Directory.CreateDirectory(folder["<b>pictures"]).FullName;
        Directory.CreateDirectory(Path.Combine(pictures, Path.GetDirectoryName(name)!));
        File.Copy(Path.Combine(Photos, "coffee.png"), Path.Combine(pictures, name));
        CommandRun run = CommandRun.Of("compare", "--model", OneBitCheckpoint.Write(folder), "--images", pictures, "--no-search", "--html", folder["page.html"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        string page = File.ReadAllText(folder["page.html"]);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        XDocument parsed = XDocument.Parse(page["<!DOCTYPE html>\n".Length..]);
        Assert.Equal(name, parsed.Descendants("summary").Single().Value);
        Assert.DoesNotContain(parsed.Descendants().Attributes(), static attribute => attribute.Name.LocalName == "onload");
        Assert.Contains("'", parsed.Descendants("code").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedPicture_IsCounted_AndLeavesTheOthersTheirFigures()
    {
        using var folder = new TemporaryFolder();
        string pictures = Directory.CreateDirectory(folder["pictures"]).FullName;
        byte[] coffee = File.ReadAllBytes(Path.Combine(Photos, "coffee.png"));
        File.WriteAllBytes(Path.Combine(pictures, "a.png"), coffee[..20_000]);
        File.WriteAllBytes(Path.Combine(pictures, "b.png"), coffee);
        string model = OneBitCheckpoint.Write(folder);
        CommandRun run = CommandRun.Of("compare", "--model", model, "--images", pictures, "--json");
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("a.png", Assert.Single(Problems(run)), StringComparison.Ordinal);
        JsonElement total = Assert.Single(Of(run, "total"));
        Assert.Equal((1, 1), (total.GetProperty("images").GetInt32(), total.GetProperty("unreadable").GetInt32()));

        File.Delete(Path.Combine(pictures, "b.png"));
        CommandRun none = CommandRun.Of("compare", "--model", model, "--images", pictures, "--html", folder["page.html"]);
        Assert.Equal(ExitCodes.BadInput, none.ExitCode);
        Assert.Empty(none.Output);
        Assert.Contains("none of the 1 pictures", none.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["page.html"]));
    }

    [Fact]
    public void Refuses_WhatDoesNotFit()
    {
        using var folder = new TemporaryFolder();
        string model = OneBitCheckpoint.Write(folder), empty = Directory.CreateDirectory(folder["empty"]).FullName;
        CommandRun.Of("compare", "--model", model, "--images", empty).ShouldBeBadInput("no *.png");
        CommandRun.Of("compare", "--model", model, "--images", folder["none"]).ShouldBeBadInput("--images", "does not exist");
        CommandRun.Of("compare", "--model", folder["none"], "--images", Photos).ShouldBeBadInput("--model", "does not exist");
        CommandRun.Of("compare", "--model", Path.Combine(Photos, "coffee.png"), "--images", Photos).ShouldBeBadInput("coffee.png");
        Small(folder, "--html", empty).ShouldBeBadInput("folder");
        Small(folder, "--html", "").ShouldBeBadInput("--html is empty");
        Small(folder, "--html", folder["no/page.html"]).ShouldBeBadInput("does not exist");
        Small(folder, "--map", "0.0").ShouldBeBadInput("--html");
        Small(folder, "--html", folder["p.html"], "--map", "1.0").ShouldBeBadInput("layers 0 to 0");
        Small(folder, "--html", folder["p.html"], "--map", "x").ShouldBeBadInput("--map is \"x\"");
        Small(folder, "--limit", "0").ShouldBeBadInput("--limit");
        Small(folder, "--weighting", "none").ShouldBeBadInput("--weighting");
        Assert.False(File.Exists(folder["p.html"]));
    }

    [Fact]
    public void Interrupted_WritesNothing()
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        CommandRun run = CommandRun.Of(cancellation.Token, "compare", "--model", OneBitCheckpoint.Write(folder), "--images", Photos, "--html", folder["page.html"]);
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Equal(["one_bit.safetensors"], Names(folder));
    }

    [Fact]
    public void Force_NeverReplacesADevice()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no device files");
        using var folder = new TemporaryFolder();

        // Through a link, so that a mistake would replace the link.
        File.CreateSymbolicLink(folder["link.html"], "/dev/null");
        Small(folder, "--html", folder["link.html"], "--force").ShouldBeBadInput("device");
        CommandRun.Of("convert", OneBitCheckpoint.Write(folder), "-o", folder["link.html"], "--force").ShouldBeBadInput("device");
        Assert.Equal("/dev/null", new FileInfo(folder["link.html"]).LinkTarget);
    }

    [Fact]
    public void OutputFile_AppearsWholeOrNotAtAll()
    {
        using var folder = new TemporaryFolder();
        folder.Write("page.html", "old");
        Assert.ThrowsAny<IOException>(() => OutputFile.Write(folder["page.html"], "new", replace: false));
        Assert.Equal("old", File.ReadAllText(folder["page.html"]));
        OutputFile.Write(folder["page.html"], "new \u00e9", replace: true);
        Assert.Equal("new \u00e9"u8, File.ReadAllBytes(folder["page.html"]));
        Directory.CreateDirectory(folder["taken"]);
        Assert.ThrowsAny<Exception>(() => OutputFile.Write(folder["taken"], "new", replace: true));
        OutputFile.Probe(folder["other.html"]);
        Assert.Equal(["page.html"], Names(folder));
    }

    private static CommandRun Small(TemporaryFolder folder, params string[] args) => CommandRun.Of(["compare", "--model", OneBitCheckpoint.Write(folder), "--images", Photos, .. args]);

    // A slow machine also reports progress.
    private static string[] Problems(CommandRun run) => [.. run.Error.Split('\n').Where(static line => line.StartsWith("binattn:", StringComparison.Ordinal))];

    private static JsonElement[] Of(CommandRun run, string kind) => [.. run.JsonLines.Where(line => line.GetProperty("kind").GetString() == kind)];

    private static string[] Names(TemporaryFolder folder) => [.. Directory.GetFiles(folder.Path).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
