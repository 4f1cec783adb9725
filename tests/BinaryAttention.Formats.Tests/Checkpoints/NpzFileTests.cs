using System.IO.Compression;
using BinaryAttention.Formats.Checkpoints;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class NpzFileTests
{
    private static byte[] Values { get; } = CheckpointBytes.Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", ZipBytes.Counting(6));

    private static byte[] Counts { get; } = CheckpointBytes.Npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", BitConverter.GetBytes(9L), version: 2);

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Arrays_AreRead(CompressionLevel level)
    {
        byte[] bytes = ZipBytes.Of(level, ("layer/w.npy", Values), ("n.npy", Counts));
        using var file = NpzFile.Parse(bytes);
        Assert.Equal(["layer/w", "n"], file.Tensors.Select(static tensor => tensor.Name), StringComparer.Ordinal);
        Assert.Equal([2L, 3L], file.GetTensor("layer/w").Shape);
        Assert.Equal([0f, 1, 2, 3, 4, 5], file.ReadSingles("layer/w"));
        Assert.Equal([9L], file.ReadInt64s("n"));
        if (level == CompressionLevel.NoCompression)
        {
            Assert.Equal(1f, BitConverter.ToSingle(bytes, (int)file.GetTensor("layer/w").ByteOffset + 4));
        }
    }

    [Fact]
    public void OtherMembers_ObjectsAndWrongSizes_AreRefused()
    {
        Refused("readme.txt", ("w.npy", Values), ("readme.txt", [1]));
        Refused("|O", ("o.npy", CheckpointBytes.Npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", [0])));
        Refused("does not fit", ("w.npy", Values[..^1]));
        Refused("w.npy", ("w.npy", []));
        Refused("at most", ("w.npy", CheckpointBytes.Npy("{" + new string(' ', 1 << 20), [], version: 2)));
    }

    [Fact]
    public void TruncatedAndMutated_AreRefusedOrConsistent()
    {
        byte[] bytes = ZipBytes.Of(CompressionLevel.Optimal, ("w.npy", Values), ("n.npy", Counts));
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] cut = bytes[..length];
            Assert.Throws<FileFormatException>(() => NpzFile.Parse(cut));
        }

        var random = new Random(3);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] changed = [.. bytes];
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            try
            {
                using var file = NpzFile.Parse(changed);
                foreach (TensorEntry tensor in file.Tensors)
                {
                    Assert.Equal(tensor.ElementCount, file.ReadSingles(tensor.Name).Length);
                }
            }
            catch (FileFormatException)
            {
            }
        }
    }

    private static void Refused(string word, params (string Name, byte[] Content)[] members) =>
        Assert.Contains(word, Assert.Throws<FileFormatException>(() => NpzFile.Parse(ZipBytes.Of(CompressionLevel.NoCompression, members))).Message, StringComparison.Ordinal);
}
