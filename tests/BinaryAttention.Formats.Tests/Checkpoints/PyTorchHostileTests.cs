using System.Buffers.Binary;
using System.IO.Compression;
using BinaryAttention.Formats.Checkpoints;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Pickles and archives made to harm: data or a FileFormatException comes of them, nothing else.</summary>
public sealed class PyTorchHostileTests
{
    private static byte[] Pickle { get; } = new PickleWriter().Op("}(").Text("m").OrderedDictionary()
        .Text("a").Put(1).Tensor("0", [2, 3]).Text("b").Tensor("0", [3], [2], count: 6).Text("c").Get(1).Text("d").Raw(0x8A, 2, 1, 1).Text("e").Op("](").Int(26).Op("e").EndDictionary().Op("u").Done;

    [Fact]
    public void Calls_StayData()
    {
        // What runs a command where pickles are loaded: as a value, as a state, as a constructor and behind a tensor's back.
        byte[] pickle = new PickleWriter().Op("}(")
            .Text("a").Global("os", "system").Text("exit 1").Raw(0x85).Op("R")
            .Text("b").Global("builtins", "eval").Text("1/0").Raw(0x85).Raw(0x81).Op("}b")
            .Text("c").Global("argparse", "Namespace").Op(")").Raw(0x81).Op("}").Text("lr").Int(1).Op("sb")
            .Text("d").Global("os", "system").Op(")}").Raw(0x92)
            .Text("t").Tensor("0", [1]).Op("u").Done;
        using var file = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(pickle, ZipBytes.Counting(1)));
        Assert.Equal("t", Assert.Single(file.Tensors).Name);
        Assert.Equal(["a", "b", "c", "d"], file.OtherValues);
        Refused(new PickleWriter().Global("os", "system").Text("exit 1").Raw(0x85).Op("R").Done, "no dictionary");
    }

    [Fact]
    public void SelfReference_AndLaughs_End()
    {
        Refused(new PickleWriter().Op("}").Put(0).Text("a").Get(0).Op("s").Done, "holds itself");
        using var list = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(new PickleWriter().Op("}").Text("l").Op("]").Put(0).Get(0).Op("as").Done));
        Assert.Empty(list.Tensors);

        // Every dictionary holds the one before twice: 2^30 in all.
        PickleWriter laughs = new PickleWriter().Op("}").Put(0);
        for (byte i = 0; i < 30; i++)
        {
            laughs.Op("}(").Text("a").Get(i).Text("b").Get(i).Op("u").Put((byte)(i + 1));
        }

        Refused(laughs.Done, "in all");
        PickleWriter lists = new PickleWriter().Op("}").Text("l").Op("]").Put(0);
        for (byte i = 0; i < 200; i++)
        {
            lists.Op("](").Get(i).Get(i).Op("e").Put((byte)(i + 1));
        }

        using var many = PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(lists.Op("0").Op(string.Concat(Enumerable.Repeat("0", 199))).Op("s").Done));
        Assert.Empty(many.Tensors);
    }

    [Fact]
    public void Claims_CostNothing()
    {
        Refused(new PickleWriter().Raw(0x8B, 255, 255, 255, 255).Done, "are left");
        Refused(new PickleWriter().Raw(0x8A, 255, 1).Done, "are left");
        Refused(new PickleWriter().Raw(0x8D, 255, 255, 255, 255, 255, 255, 255, 255).Done, "at most");
        Refused(new PickleWriter().Raw(0x8E, 255, 255, 255, 255, 255, 255, 255, 127).Done, "are left");
        Refused(new PickleWriter().Op(new string('(', 200_000)).Done, "stacks more");
        Refused(new PickleWriter().Op(string.Concat(Enumerable.Repeat("}0", 2_100_000))).Done, "instructions");
        Refused(new PickleWriter().Op("hA").Done, "not remembered");
        Refused(new PickleWriter().Op("t").Done, "mark");
        Refused(new PickleWriter().Op("(0").Done, "empty stack");
        Refused(new PickleWriter().Op("(2").Done, "empty stack");
        Refused(new PickleWriter().Op("}Ks").Raw(1).Done, "checkpoints of protocols");
        Refused(new PickleWriter().Raw(0x80, 9).Done, "protocol 9");
        Refused(new PickleWriter().Op("I1\n").Done, "0x49");
    }

    [Theory]
    [InlineData(new long[] { 2, 4 }, new long[] { 4, 1 }, 0L, 6L)]
    [InlineData(new long[] { 2, 3 }, new long[] { 3, 1 }, 1L, 6L)]
    [InlineData(new long[] { 2, 3 }, new long[] { 4, 1 }, 0L, 6L)]
    [InlineData(new long[] { 2, 3 }, new long[] { -3, 1 }, 3L, 6L)]
    [InlineData(new long[] { 6 }, new long[] { 1 }, -1L, 6L)]
    [InlineData(new long[] { 6 }, new long[] { 1 }, long.MaxValue, 6L)]
    [InlineData(new long[] { 2, 2 }, new long[] { long.MaxValue, long.MaxValue }, 0L, 6L)]
    [InlineData(new long[] { 1000 }, new long[] { 0 }, 0L, 6L)]
    [InlineData(new long[] { long.MaxValue, 2 }, new long[] { 0, 0 }, 0L, 6L)]
    [InlineData(new long[] { -1 }, new long[] { 1 }, 0L, 6L)]
    [InlineData(new long[] { 6 }, new long[] { 1, 1 }, 0L, 6L)]
    [InlineData(new long[] { 6 }, new long[] { 1 }, 0L, 7L)]
    [InlineData(new long[] { 6 }, new long[] { 1 }, 0L, 4611686018427387910L)]
    [InlineData(new long[] { 1 }, new long[] { 1 }, 6L, 6L)]
    public void TensorsOutsideTheirStorage_AreRefused(long[] shape, long[] strides, long offset, long count)
    {
        byte[] pickle = new PickleWriter().Op("}").Text("t").Tensor("0", shape, strides, offset, count).Op("s").Done;
        Assert.Contains("'t'", Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(ZipBytes.Checkpoint(pickle, ZipBytes.Counting(6)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingStorages_OtherTypes_AndDuplicates_AreRefused()
    {
        Refused(new PickleWriter().Op("}").Text("t").Tensor("7", [1]).Op("s").Done, "archive/data/7");
        Refused(new PickleWriter().Op("}").Text("t").Tensor("../data.pkl", [1]).Op("s").Done, "missing");
        Refused(new PickleWriter().Op("}").Text("t").Tensor("0", [1], kind: "ComplexFloatStorage").Op("s").Done, "ComplexFloatStorage");
        Refused(new PickleWriter().Op("}(").Text("t").Tensor("0", [1]).Text("t").Tensor("0", [1]).Op("u").Done, "unique");
        Refused(new PickleWriter().Op("}").Op("N").Tensor("0", [1]).Op("s").Done, "key");
    }

    [Fact]
    public void OtherFormats_AreRefusedByName()
    {
        Assert.Contains("before 1.6", Message([0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.']), StringComparison.Ordinal);
        Assert.Contains("bare Python pickle", Message(Pickle), StringComparison.Ordinal);
        var tar = new byte[512];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Assert.Contains("tar archive", Message(tar), StringComparison.Ordinal);
        Assert.Contains("'PK'", Message([]), StringComparison.Ordinal);
        Assert.Contains("byte order", Message(ZipBytes.Of(CompressionLevel.NoCompression, ("a/data.pkl", Pickle), ("a/byteorder", [.. "big"u8]))), StringComparison.Ordinal);
        Assert.Contains("TorchScript", Message(ZipBytes.Of(CompressionLevel.NoCompression, ("a/data.pkl", Pickle), ("a/constants.pkl", Pickle))), StringComparison.Ordinal);
        Assert.Contains("data.pkl", Message(ZipBytes.Of(CompressionLevel.NoCompression, ("a/data.pkl", Pickle), ("b/data.pkl", Pickle))), StringComparison.Ordinal);
    }

    [Fact]
    public void TruncatedArchives_AndTruncatedPickles_AreRefused()
    {
        byte[] bytes = ZipBytes.Checkpoint(Pickle, ZipBytes.Counting(6));
        Assert.True(ReadWhatIsThere(bytes));
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] cut = bytes[..length];
            Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(cut));
        }

        for (int length = 0; length < Pickle.Length; length++)
        {
            byte[] cut = ZipBytes.Checkpoint(Pickle[..length], ZipBytes.Counting(6));
            Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(cut));
        }
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void MutatedArchives_AreRefusedOrConsistent(CompressionLevel level)
    {
        byte[] bytes = ZipBytes.Checkpoint(level, Pickle, ZipBytes.Counting(6));
        var random = new Random(1);
        for (int round = 0; round < 10_000; round++)
        {
            ReadWhatIsThere(Mutate(bytes, random));
        }
    }

    [Fact]
    public void MutatedPickles_WithRightChecksums_AreRefusedOrConsistent()
    {
        var random = new Random(2);
        int accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            accepted += ReadWhatIsThere(ZipBytes.Checkpoint(Mutate(Pickle, random), ZipBytes.Counting(6))) ? 1 : 0;
        }

        Assert.InRange(accepted, 500, 19_000);
    }

    [Fact]
    public void ChangedValues_AreFoundByTheChecksum()
    {
        byte[] bytes = ZipBytes.Checkpoint(Pickle, ZipBytes.Counting(6));
        using (var valid = PyTorchCheckpoint.Parse(bytes))
        {
            bytes = [.. bytes];
            bytes[valid.GetTensor("a").ByteOffset + 5] ^= 1;
        }

        using var changed = PyTorchCheckpoint.Parse(bytes);
        Assert.Contains("checksum", Assert.Throws<FileFormatException>(() => changed.ReadSingles("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bombs_AndOverlappingMembers_AreRefused()
    {
        byte[] bomb = ZipBytes.Checkpoint(CompressionLevel.Optimal, Pickle, new byte[20_000_000]);
        Assert.Contains("MaxBytesInMemory", Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(bomb, "bomb", new CheckpointLimits { MaxBytesInMemory = 1_000_000 })).Message, StringComparison.Ordinal);

        // The last two members' directory entries: a huge size, then the place of the first member.
        byte[] bytes = ZipBytes.Of(CompressionLevel.NoCompression, ("a/data.pkl", Pickle), ("a/data/0", new byte[8]), ("a/data/1", new byte[8]));
        int last = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        byte[] huge = [.. bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(huge.AsSpan(last + 20), 2_000_000_000);
        BinaryPrimitives.WriteUInt32LittleEndian(huge.AsSpan(last + 24), 2_000_000_000);
        Assert.Contains("reach into", Message(huge), StringComparison.Ordinal);
        byte[] overlapping = [.. bytes];
        int first = overlapping.AsSpan().IndexOf("a/data/0"u8), second = overlapping.AsSpan(first + 1).IndexOf("a/data/1"u8) + first + 1;
        BinaryPrimitives.WriteUInt32LittleEndian(overlapping.AsSpan(last + 42), BinaryPrimitives.ReadUInt32LittleEndian(overlapping.AsSpan(overlapping.AsSpan(0, last).LastIndexOf("PK\u0001\u0002"u8) + 42)));
        overlapping[first + 7] = (byte)'1';
        Assert.True(second > first);
        Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(overlapping));

        // A member whose data, by its own length, runs over the next member's header.
        byte[] running = [.. bytes];
        int middle = running.AsSpan(0, last).LastIndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(running.AsSpan(middle + 20), 12);
        BinaryPrimitives.WriteUInt32LittleEndian(running.AsSpan(middle + 24), 12);
        Assert.Contains("over the same bytes", Message(running), StringComparison.Ordinal);
    }

    private static string Message(byte[] bytes) => Assert.Throws<FileFormatException>(() => PyTorchCheckpoint.Parse(bytes)).Message;

    private static void Refused(byte[] pickle, string word) =>
        Assert.Contains(word, Message(ZipBytes.Checkpoint(pickle, ZipBytes.Counting(1))), StringComparison.Ordinal);

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        byte[] changed = [.. bytes];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            changed[random.Next(changed.Length)] = random.Next(3) == 0 ? bytes[random.Next(bytes.Length)] : (byte)random.Next(256);
        }

        return changed;
    }

    // True if all could be read.
    private static bool ReadWhatIsThere(byte[] bytes)
    {
        try
        {
            using var file = PyTorchCheckpoint.Parse(bytes);
            foreach (TensorEntry tensor in file.Tensors)
            {
                Assert.Equal(tensor.ElementCount, file.ReadSingles(tensor.Name).Length);
            }

            return true;
        }
        catch (FileFormatException)
        {
            return false;
        }
    }
}
