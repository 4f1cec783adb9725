// One of several dictionaries of a checkpoint, or one part of a file's names.
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class PrefixTests
{
    private static byte[] Several { get; } = ZipBytes.Checkpoint(
        new PickleWriter().Op("}(")
            .Text("model").Op("}(").Text("x.y").Tensor("0", [2]).Text("n").Tensor("2", [1], kind: "LongStorage").Op("u")
            .Text("model_ema").Op("}(").Text("x.y").Tensor("1", [2]).Op("u")
            .Text("epoch").Int(3).Op("u").Done,
        ZipBytes.Counting(2),
        [.. ZipBytes.Counting(4).AsSpan(8)],
        BitConverter.GetBytes(-5L));

    [Fact]
    public void APrefix_PicksOneDictionary()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.pth"], Several);
        using (var all = TensorFile.OpenBelow(folder["a.pth"], null))
        {
            Assert.Equal(["model.x.y", "model.n", "model_ema.x.y"], Names(all), StringComparer.Ordinal);
        }

        using var model = TensorFile.OpenBelow(folder["a.pth"], "model");
        Assert.Equal(["x.y", "n"], Names(model), StringComparer.Ordinal);
        Assert.Equal([0f, 1], model.ReadSingles("x.y"));
        Assert.Equal([-5L], model.ReadInt64s("n"));
        Assert.Equal([-5.0], model.ReadDoubles("n"));
        Assert.Equal(8, model.ReadBytes("x.y").Length);
        Assert.Equal("PyTorch checkpoint", model.FormatName);
        Assert.False(model.TryGetTensor("model.x.y", out _));
        Assert.Contains("'x.y'", Assert.Throws<FileFormatException>(() => model.ReadSingles("x.z")).Message, StringComparison.Ordinal);
        using var average = TensorFile.OpenBelow(folder["a.pth"], "model_ema");
        Assert.Equal([2f, 3], average.ReadSingles("x.y"));
        using var part = TensorFile.OpenBelow(folder["a.pth"], "model_ema.x");
        Assert.Equal(["y"], Names(part), StringComparer.Ordinal);
        part.Dispose();
        Assert.Throws<ObjectDisposedException>(() => part.ReadSingles("y"));
    }

    [Fact]
    public void APrefixThatIsNotThere_ListsWhatIs_AndLetsTheFileGo()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.pth"], Several);
        string message = Assert.Throws<FileFormatException>(() => TensorFile.OpenBelow(folder["a.pth"], "mod")).Message;
        Assert.Contains("'mod.'", message, StringComparison.Ordinal);
        Assert.Contains("'model' (2 tensors), 'model_ema' (1 tensor)", message, StringComparison.Ordinal);
        File.WriteAllBytes(folder["a.pth"], ZipBytes.Checkpoint(new PickleWriter().Op("}").Text("w").Tensor("0", [1]).Op("s").Done, ZipBytes.Counting(1)));
        Assert.Contains("leave the prefix out", Assert.Throws<FileFormatException>(() => TensorFile.OpenBelow(folder["a.pth"], "w")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheOnlyDictionary_MayBeNamedOrNot()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.pth"], ZipBytes.Checkpoint(
            new PickleWriter().Op("}(").Text("state").OrderedDictionary().Text("module.w").Tensor("0", [1]).Text("module.b").Tensor("0", [1]).EndDictionary().Text("epoch").Int(3).Op("u").Done,
            ZipBytes.Counting(1)));
        foreach ((string? prefix, string name) in new[] { (null, "module.w"), ("", "module.w"), ("state", "module.w"), ("state.module", "w"), ("module", "w") })
        {
            using var file = TensorFile.OpenBelow(folder["a.pth"], prefix);
            Assert.Equal(name, file.Tensors[0].Name);
            Assert.Equal([0f], file.ReadSingles(name));
        }

        Assert.Contains("All tensors are in 'state'", Assert.Throws<FileFormatException>(() => TensorFile.OpenBelow(folder["a.pth"], "ema")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherFormats_HavePrefixesToo()
    {
        using var folder = new TemporaryFolder();
        SafeTensorsWriter.Write(folder["a"], [TensorToWrite.FromSingles("module.w", [1], new[] { 4f }), TensorToWrite.FromSingles("b", [1], new[] { 5f })], new Dictionary<string, string>(StringComparer.Ordinal) { ["num_heads"] = "3" });
        using var file = TensorFile.OpenBelow(folder["a"], "module");
        Assert.Equal([4f], file.ReadSingles("w"));
        Assert.Equal("w", Assert.Single(file.Tensors).Name);
        Assert.Equal("3", file.Metadata["num_heads"]);
    }

    // numpy.float64(0.5) as protocol 2 holds it: a call of scalar with a dtype that is built, and bytes that are encoded text.
    [Fact]
    public void NumPyScalars_AreLeftUnread()
    {
        byte[] pickle = new PickleWriter().Op("}(")
            .Text("best").Global("numpy.core.multiarray", "scalar").Op("(")
                .Global("numpy", "dtype").Op("(").Text("f8").Raw(0x89, 0x88).Op("tR").Op("(").Int(3).Text("<").Op("NNN").Int(-1).Int(-1).Int(0).Op("tb")
                .Global("_codecs", "encode").Op("(").Text("\0\0\0\0\0\0à?").Text("latin1").Op("tR").Op("tR")
            .Text("w").Tensor("0", [2]).Op("u").Done;
        using var file = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(pickle, ZipBytes.Counting(2)));
        Assert.Equal("w", Assert.Single(file.Tensors).Name);
        Assert.Equal(["best"], file.OtherValues);
    }

    private static string[] Names(TensorFile file) => [.. file.Tensors.Select(static tensor => tensor.Name)];
}
