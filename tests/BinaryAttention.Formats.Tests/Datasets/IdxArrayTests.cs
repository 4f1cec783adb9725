using System.Buffers.Binary;
using System.IO.Compression;
using BinaryAttention.Formats.Datasets;
using Xunit;

namespace BinaryAttention.Formats.Tests.Datasets;

public sealed class IdxArrayTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Values_AreRead_PlainAndPacked(bool isPacked)
    {
        IdxArray array = IdxArray.Parse(Packed(Idx([2, 3, 4], Counting(24)), isPacked));
        Assert.Equal([2, 3, 4], array.Shape);
        Assert.Equal(Counting(24), array.Values.ToArray());
        Assert.Empty(IdxArray.Parse(Packed(Idx([0], []), isPacked)).Values.ToArray());
        Assert.Equal([3, 0], IdxArray.Parse(Packed(Idx([3, 0], []), isPacked)).Shape);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Truncations_AreRefused_AtEveryByte(bool isPacked)
    {
        byte[] bytes = Packed(Idx([5, 6, 7], Counting(210)), isPacked);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Contains("cut.idx", Assert.Throws<FileFormatException>(() => IdxArray.Parse(bytes.AsMemory(0, length), "cut.idx")).Message, StringComparison.Ordinal);
        }

        Refused([.. bytes, 0], isPacked ? "gzip" : "goes on");
    }

    [Fact]
    public void Headers_AreChecked_BeforeAnythingIsAllocated()
    {
        Refused([1, 0, 8, 1, 0, 0, 0, 0], "begins with the bytes 1 and 0");
        Refused([0, 0, 13, 1, 0, 0, 0, 0], "float32");
        Refused([0, 0, 7, 1, 0, 0, 0, 0], "no type of the format");
        Refused([0, 0, 8, 0], "0 dimensions");
        Refused([0, 0, 8, 5, .. new byte[20]], "5 dimensions");

        // Claims of gigabytes: beyond the limit, within it but not there, and a product that wraps around 64 bits.
        foreach (bool isPacked in (bool[])[false, true])
        {
            Refused(Packed(Idx([int.MaxValue], []), isPacked), "at most");
            Refused(Packed(Idx([200_000_000], []), isPacked), "200000000 values; the file can hold at most");
            Refused(Packed(Idx([1 << 28, 1 << 28, 1 << 28, 1 << 28], []), isPacked), "dimension 1");
            Refused(Packed(Idx([-1, 0], []), isPacked), "length 4294967295");
            Refused(Packed(Idx([0, -1], []), isPacked), "length 4294967295");
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(Packed(Idx([250_000_000], []), isPacked: true), "can hold");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void Limits_AreTheCallers()
    {
        byte[] bytes = Idx([4, 5], Counting(20));
        Assert.Contains("MaxValues", Assert.Throws<FileFormatException>(() => IdxArray.Parse(bytes, limits: new IdxLimits { MaxValues = 19 })).Message, StringComparison.Ordinal);
        Assert.Contains("MaxRank", Assert.Throws<FileFormatException>(() => IdxArray.Parse(bytes, limits: new IdxLimits { MaxRank = 1 })).Message, StringComparison.Ordinal);
        Assert.Equal(20, IdxArray.Parse(bytes, limits: new IdxLimits { MaxValues = 20, MaxRank = 2 }).Values.Length);
        Assert.Equal(20, IdxArray.Parse(bytes, limits: new IdxLimits { MaxValues = int.MaxValue, MaxRank = 255 }).Values.Length);
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.PathOf("a.idx"), bytes);
        Assert.Contains("MaxFileBytes", Assert.Throws<FileFormatException>(() => IdxArray.Read(folder.PathOf("a.idx"), new IdxLimits { MaxFileBytes = 31 })).Message, StringComparison.Ordinal);
        Assert.Equal(20, IdxArray.Read(folder.PathOf("a.idx")).Values.Length);
    }

    [Fact]
    public void DamagedPacks_AreRefused()
    {
        byte[] bytes = Packed(Idx([30, 40], Counting(1200)), isPacked: true);
        var random = new Random(5);
        int refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                // A flipped bit of the gzip header's remarks (time, system) changes nothing of the content.
                Assert.Equal(Counting(1200), IdxArray.Parse(damaged).Values.ToArray());
            }
            catch (FileFormatException)
            {
                refused++;
            }
        }

        Assert.True(refused > 2000, $"only {refused} of 3000 were refused");

        // Two streams in a row: the second is neither dropped nor joined in silence. And a stream that goes on behind its values.
        byte[] half = Packed(Idx([2], [1, 2]), isPacked: true);
        Refused([.. half, .. half], "goes on");
        Refused(Packed([.. Idx([2], [1, 2]), 3], isPacked: true), "goes on");
    }

    [Fact]
    public void Pairs_GivePicturesAndLabels()
    {
        using var folder = new TemporaryFolder();
        string images = folder.PathOf("images"), labels = folder.PathOf("labels.gz");
        File.WriteAllBytes(images, Idx([3, 2, 2], [0, 1, 2, 3, 10, 11, 12, 13, 255, 0, 255, 0]));
        File.WriteAllBytes(labels, Packed(Idx([3], [7, 0, 255]), isPacked: true));
        var pairs = LabelledIdxImages.Open(images, labels);
        Assert.Equal((3, 2, 2), (pairs.Count, pairs.Height, pairs.Width));
        Assert.Equal([10, 11, 12, 13], pairs.Pixels(1).ToArray());
        Assert.Equal([7, 0, 255], [pairs.Label(0), pairs.Label(1), pairs.Label(2)]);
        Assert.Equal([1f, -1, 1, -1], pairs.Normalized(2, 0.5f, 0.5f));
        Assert.Equal((1 - 0.1307f) / 0.3081f, pairs.Normalized(2)[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => pairs.Label(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => pairs.Normalized(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => pairs.Normalized(0, float.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => pairs.Normalized(0, 0, 0));

        Assert.Contains("swapped", Assert.Throws<FileFormatException>(() => LabelledIdxImages.Open(labels, images)).Message, StringComparison.Ordinal);
        Assert.Contains("one label for each of the 3", Assert.Throws<FileFormatException>(() => LabelledIdxImages.Open(images, images)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(labels, Idx([2], [7, 0]));
        Assert.Contains("one label for each of the 3", Assert.Throws<FileFormatException>(() => LabelledIdxImages.Open(images, labels)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(images, Idx([2, 0, 2], []));
        Assert.Contains("none of them 0", Assert.Throws<FileFormatException>(() => LabelledIdxImages.Open(images, labels)).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => LabelledIdxImages.Open(folder.PathOf("none"), labels));
    }

    private static byte[] Idx(int[] shape, byte[] values)
    {
        var header = new byte[4 + (4 * shape.Length)];
        (header[2], header[3]) = (8, (byte)shape.Length);
        for (int axis = 0; axis < shape.Length; axis++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * axis)), shape[axis]);
        }

        return [.. header, .. values];
    }

    private static byte[] Packed(byte[] bytes, bool isPacked)
    {
        if (!isPacked)
        {
            return bytes;
        }

        using var stream = new MemoryStream();
        using (var packer = new GZipStream(stream, CompressionLevel.Optimal))
        {
            packer.Write(bytes);
        }

        return stream.ToArray();
    }

    private static byte[] Counting(int count) => [.. Enumerable.Range(0, count).Select(static i => (byte)(i * i))];

    private static void Refused(byte[] bytes, string expected) => Assert.Contains(expected, Assert.Throws<FileFormatException>(() => IdxArray.Parse(bytes)).Message, StringComparison.Ordinal);
}
