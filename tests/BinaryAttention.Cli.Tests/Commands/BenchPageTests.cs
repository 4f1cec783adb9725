// The page of a results folder: what it holds, which run counts, and what it refuses.
using System.Globalization;
using System.Xml.Linq;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class BenchPageTests
{
    [Fact]
    public void WritesThePage_AndAChartForThreeLengths()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.json", Attention("2026-01-01", (128, 0.5, 0.1), (256, 2, 0.4), (512, 8, 1)));
        CommandRun run = CommandRun.Of("bench", "page", folder.Path);
        Assert.Equal((ExitCodes.Success, string.Empty), (run.ExitCode, run.Error));
        string page = File.ReadAllText(Path.Combine(folder.Path, "index.html"));
        Assert.Contains("<td>8</td>", page, StringComparison.Ordinal);
        Assert.Contains("a.json, 2026-01-01", page, StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Load(Path.Combine(folder.Path, "attention-h2-d64-dv64.svg")).Root!.Name.LocalName);
        CommandRun.Of("bench", "page", folder.Path).ShouldBeBadInput("index.html", "--force");
        Assert.Equal(ExitCodes.Success, CommandRun.Of("bench", "page", folder.Path, "--force").ExitCode);
    }

    [Fact]
    public void LatestRunCounts_AndFormsOfAnEarlierOneStay()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "b.json", Attention("2026-02-01", (128, 50, 5)));
        Write(folder, "a.json", Attention("2026-03-01", (128, 30, 10)));
        Write(folder, "c.json", Attention("2026-01-01", (128, 70, 7)).Replace("binattn binary simd", "binattn binary simd relative", StringComparison.Ordinal));
        Assert.Equal(ExitCodes.Success, CommandRun.Of("bench", "page", folder.Path).ExitCode);
        string page = File.ReadAllText(Path.Combine(folder.Path, "index.html"));
        Assert.Contains("<td>10</td><td>1</td><td>0.5</td><td>3</td>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<td>50</td>", page, StringComparison.Ordinal);

        // Its ratio is to the peer of its own run, 70 / 7.
        Assert.Contains("simd relative</th><td>7</td><td>1</td><td>0.5</td><td>10</td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ModelsAreDrawnAgainstPixels()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "m.jsonl", string.Join('\n', ((int[])[224, 384, 512]).Select(size => $$"""{"date":"2026-01-01","model":"deit-tiny","imageSize":{{size}},"results":[{"name":"onnxruntime fp32","medianMilliseconds":9,"cpuMilliseconds":{{size}}}]}""")));
        Assert.Equal(ExitCodes.Success, CommandRun.Of("bench", "page", folder.Path).ExitCode);
        Assert.Contains("<td>384</td>", File.ReadAllText(Path.Combine(folder.Path, "index.html")), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder.Path, "model-deit-tiny.svg")));
    }

    [Theory]
    [InlineData("{", "a.json")]
    [InlineData("""{"date":"2026-01-01","results":[{"shape":"1x2x3","valueDimension":4}]}""", "four numbers")]
    [InlineData("""{"date":"2026-01-01","results":[{"shape":"1x2x3x4"}]}""", "a.json")]
    [InlineData("""{"nothing":true}""", "no paired runs")]
    public void Refuses_WhatIsNoResult(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.json", text);
        CommandRun.Of("bench", "page", folder.Path).ShouldBeBadInput(expected);
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    private static void Write(TemporaryFolder folder, string name, string text) => File.WriteAllText(Path.Combine(folder.Path, name), text);

    private static string Attention(string date, params (int Length, double Peer, double Own)[] rows) =>
        $$"""{"date":"{{date}}","results":[{{string.Join(',', rows.Select(Row))}}]}""";

    private static string Row((int Length, double Peer, double Own) row) => string.Create(
        CultureInfo.InvariantCulture,
        $$$"""{"shape":"1x2x{{{row.Length}}}x64","valueDimension":64,"onnxruntime":{"medianMilliseconds":{{{row.Peer}}}},"binattn binary simd":{"medianMilliseconds":{{{row.Own}}},"packingMilliseconds":1,"cyclesPerPair":0.5}}""");
}
