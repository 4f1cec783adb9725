// --prefix picks one of several models in a file, in every command that opens one.
using System.Text.Json;
using BinaryAttention.Formats.Checkpoints;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class PrefixTests
{
    private const int Tensors = 21;

    private static readonly string Photo = RepositoryFolder.PathOf("samples/photos/coffee.png");

    [Fact]
    public void Inspect_ListsOne()
    {
        using var folder = new TemporaryFolder();
        string file = TwoModels(folder);
        Assert.Equal((2 * Tensors) + 1, CommandRun.Of("inspect", file, "--json").JsonLines.Count);
        IReadOnlyList<JsonElement> lines = CommandRun.Of("inspect", file, "--prefix", "ema", "--json").JsonLines;
        Assert.Equal(Tensors + 1, lines.Count);
        Assert.Equal("cls_token", lines[0].GetProperty("name").GetString());
        CommandRun.Of("inspect", file, "--prefix", "none").ShouldBeBadInput("'none.'", $"'model' ({Tensors} tensors), 'ema' ({Tensors} tensors)");
    }

    [Fact]
    public void Convert_WritesOne()
    {
        using var folder = new TemporaryFolder();
        string file = TwoModels(folder);
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", file, "-o", folder["ema.safetensors"], "--prefix", "ema").ExitCode);
        using var written = SafeTensorsFile.Open(folder["ema.safetensors"]);
        using var original = SafeTensorsFile.Open(file);
        Assert.Equal(Tensors, written.Tensors.Count);
        Assert.Equal(original.ReadSingles("ema.head.weight"), written.ReadSingles("head.weight"));
        CommandRun.Of("convert", file, "-o", folder["none"], "--prefix", "none").ShouldBeBadInput("'none.'");
        Assert.False(File.Exists(folder["none"]));
    }

    [Fact]
    public void Models_AreAskedFor_AndDiffer()
    {
        using var folder = new TemporaryFolder();
        string file = TwoModels(folder);
        CommandRun.Of("classify", Photo, "--model", file).ShouldBeBadInput("2 models", "model, ema");
        string labels = folder.Write("labels.csv", "coffee.png,1\n"), photos = Path.GetDirectoryName(Photo)!;
        CommandRun.Of("evaluate", "--model", file, "--images", photos, "--labels", labels, "--crop", "32").ShouldBeBadInput("2 models", "model, ema");
        Assert.Equal(ExitCodes.Success, CommandRun.Of("evaluate", "--model", file, "--prefix", "ema", "--images", photos, "--labels", labels, "--crop", "32").ExitCode);
        string[] answers = [.. ((string[])["model", "ema"]).Select(prefix => CommandRun.Of("classify", Photo, "--model", file, "--prefix", prefix, "--attention", "exact", "--json").JsonLines[0].GetProperty("predictions").GetRawText())];
        Assert.NotEqual(answers[0], answers[1], StringComparer.Ordinal);
    }

    private static string TwoModels(TemporaryFolder folder)
    {
        using var single = SafeTensorsFile.Open(OneBitCheckpoint.Write(folder));
        string path = folder["two.safetensors"];
        SafeTensorsWriter.Write(path,
        [
            .. single.Tensors.Select(tensor => TensorToWrite.FromSingles($"model.{tensor.Name}", tensor.Shape, single.ReadSingles(tensor.Name))),
            .. single.Tensors.Select(tensor => TensorToWrite.FromSingles($"ema.{tensor.Name}", tensor.Shape, Array.ConvertAll(single.ReadSingles(tensor.Name), static value => value / 2))),
        ]);
        return path;
    }
}
