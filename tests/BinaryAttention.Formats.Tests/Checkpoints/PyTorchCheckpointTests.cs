using System.IO.Compression;
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class PyTorchCheckpointTests
{
    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void StateDictionary_GivesTensors_InOrder(CompressionLevel level)
    {
        byte[] pickle = new PickleWriter().OrderedDictionary()
            .Text("b.weight").Tensor("0", [2, 3])
            .Text("a").Tensor("1", [], kind: "LongStorage")
            .Text("empty").Tensor("2", [0, 4])
            .EndDictionary().Done;
        using var file = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(level, pickle, ZipBytes.Counting(6), BitConverter.GetBytes(-7L), []));
        Assert.Equal(["b.weight", "a", "empty"], file.Tensors.Select(static tensor => tensor.Name), StringComparer.Ordinal);
        Assert.Equal([2L, 3L], file.GetTensor("b.weight").Shape);
        Assert.Equal([0f, 1, 2, 3, 4, 5], file.ReadSingles("b.weight"));
        Assert.Equal([0.0, 1, 2, 3, 4, 5], file.ReadDoubles("b.weight"));
        Assert.Equal([-7L], file.ReadInt64s("a"));
        Assert.Empty(file.ReadSingles("empty"));
        Assert.Contains("'b.weight'", Assert.Throws<FileFormatException>(() => file.ReadSingles("b.weigth")).Message, StringComparison.Ordinal);
        Assert.Throws<FileFormatException>(() => file.ReadInt64s("b.weight"));
    }

    [Fact]
    public void SharedStorages_OffsetsAndStrides_AreFollowed()
    {
        byte[] pickle = new PickleWriter().OrderedDictionary()
            .Text("plain").Tensor("0", [2, 3])
            .Text("transposed").Tensor("0", [3, 2], [1, 3])
            .Text("row").Tensor("0", [3], [1], offset: 3, count: 6)
            .Text("column").Tensor("0", [2], [3], offset: 2, count: 6)
            .Text("one").Tensor("0", [1, 6], [77, 1])
            .EndDictionary().Done;
        byte[] bytes = ZipBytes.Checkpoint(pickle, ZipBytes.Counting(6));
        using var file = PyTorchCheckpoint.Parse(bytes);
        Assert.Equal([0f, 3, 1, 4, 2, 5], file.ReadSingles("transposed"));
        Assert.Equal([3f, 4, 5], file.ReadSingles("row"));
        Assert.Equal([2f, 5], file.ReadSingles("column"));
        Assert.Equal([0f, 1, 2, 3, 4, 5], file.ReadSingles("one"));
        Assert.Equal(3f, BitConverter.ToSingle(bytes, (int)file.GetTensor("row").ByteOffset));
    }

    [Fact]
    public void OneNestedDictionary_NamesItsTensors_SeveralGiveWholePaths()
    {
        byte[] one = new PickleWriter().Op("}(").Text("model").OrderedDictionary().Text("x.y").Tensor("0", [1]).EndDictionary().Text("epoch").Int(3).Op("u").Done;
        using var single = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(one, ZipBytes.Counting(1)));
        Assert.Equal("model", single.StateDictionaryPath);
        Assert.Equal("x.y", Assert.Single(single.Tensors).Name);
        Assert.Equal(["epoch"], single.OtherValues);

        byte[] two = new PickleWriter().Op("}(").Text("model").Op("}(").Text("x").Tensor("0", [1]).Op("u")
            .Text("state").Op("}(").Int(0).Op("}(").Text("m").Tensor("0", [1]).Op("uuu").Done;
        using var several = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(two, ZipBytes.Counting(1)));
        Assert.Equal("", several.StateDictionaryPath);
        Assert.Equal(["model.x", "state.0.m"], several.Tensors.Select(static tensor => tensor.Name), StringComparer.Ordinal);
    }

    [Fact]
    public void Parameters_UntypedStorages_AndLaterProtocols_AreRead()
    {
        byte[] parameter = new PickleWriter().Op("}(").Text("p")
            .Global("torch._utils", "_rebuild_parameter").Op("(").Tensor("0", [2]).Raw(0x88).Op("}tR").Op("u").Done;
        using var first = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(parameter, ZipBytes.Counting(2)));
        Assert.Equal([0f, 1], first.ReadSingles("p"));

        // Frames, short text, the memo without numbers and names from the stack, as protocol 4 writes them.
        byte[] later = new PickleWriter().Raw(0x80, 4, 0x95, 1, 0, 0, 0, 0, 0, 0, 0).Op("}").Raw(0x94).Raw(0x8C, 1, (byte)'u').Raw(0x94)
            .Raw(0x8C, 12).Op("torch._utils").Raw(0x8C, 18).Op("_rebuild_tensor_v3").Raw(0x93)
            .Op("(").Storage("UntypedStorage", "0", 4, "torch.storage").Int(0).Raw(0x4B, 2, 0x85).Raw(0x4B, 1, 0x85).Raw(0x89).Op("}").Global("torch", "uint16").Op("tRs").Done;
        using var second = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(later, [1, 0, 255, 255]));
        Assert.Equal(TensorElementType.Unsigned16, second.GetTensor("u").ElementType);
        Assert.Equal([1L, 65_535], second.ReadInt64s("u"));
    }

    [Theory]
    [InlineData("FloatStorage", TensorElementType.Float32)]
    [InlineData("DoubleStorage", TensorElementType.Float64)]
    [InlineData("HalfStorage", TensorElementType.Float16)]
    [InlineData("BFloat16Storage", TensorElementType.BFloat16)]
    [InlineData("LongStorage", TensorElementType.Signed64)]
    [InlineData("IntStorage", TensorElementType.Signed32)]
    [InlineData("ShortStorage", TensorElementType.Signed16)]
    [InlineData("CharStorage", TensorElementType.Signed8)]
    [InlineData("ByteStorage", TensorElementType.Unsigned8)]
    [InlineData("BoolStorage", TensorElementType.Boolean)]
    public void ElementTypes_AreKnown(string kind, TensorElementType type)
    {
        byte[] pickle = new PickleWriter().Op("}").Text("t").Tensor("0", [1], kind: kind).Op("s").Done;
        int size = type switch { TensorElementType.Float64 or TensorElementType.Signed64 => 8, TensorElementType.Float32 or TensorElementType.Signed32 => 4, TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Signed16 => 2, _ => 1 };
        using var file = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(pickle, new byte[size]));
        Assert.Equal(type, file.GetTensor("t").ElementType);
        Assert.Equal([0f], file.ReadSingles("t"));
    }

    [Fact]
    public void Files_AreToldByContent()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["weights"], ZipBytes.Checkpoint(new PickleWriter().Op("}").Text("t").Tensor("0", [1]).Op("s").Done, ZipBytes.Counting(1)));
        using (var checkpoint = TensorFile.Open(folder["weights"]))
        {
            Assert.IsType<PyTorchCheckpoint>(checkpoint);
            Assert.Equal([0f], checkpoint.ReadSingles("t"));
        }

        File.WriteAllBytes(folder["weights"], CheckpointBytes.SmallValid());
        using var safeTensors = TensorFile.Open(folder["weights"]);
        Assert.IsType<SafeTensorsFile>(safeTensors);
    }

    [Fact]
    public void Disposed_RefusesReads()
    {
        var file = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(new PickleWriter().Op("}").Text("t").Tensor("0", [1]).Op("s").Done, ZipBytes.Counting(1)));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.ReadSingles("t"));
    }
}
