using System.Text;
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class SafeTensorsFileTests
{
    [Fact]
    public void Tensors_AreListed_InDataOrder()
    {
        string header = "{" + CheckpointBytes.Entry("b", "U8", "3", 4, 7) + "," + CheckpointBytes.Entry("a", "U8", "4", 0, 4) + "," + CheckpointBytes.Entry("e", "U8", "0", 4, 4) + "}";
        using var file = SafeTensorsFile.Parse(CheckpointBytes.SafeTensors(header, 7));
        Assert.Equal("a e b", CheckpointBytes.Names(file));
        Assert.Equal([4f, 5f, 6f], file.ReadSingles("b"));
        Assert.Equal(8 + header.Length + 4, file.GetTensor("b").ByteOffset);
    }

    [Fact]
    public void SmallValidFile_IsConsistent()
    {
        byte[] bytes = CheckpointBytes.SmallValid();
        using var file = SafeTensorsFile.Parse(bytes);
        CheckpointBytes.AssertConsistent(file, bytes.Length);
        Assert.Equal("weight empty scale ids", CheckpointBytes.Names(file));
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void MissingTensor_NamesItsNeighbours()
    {
        using var file = SafeTensorsFile.Parse(CheckpointBytes.SmallValid(), "model.safetensors");
        Assert.False(file.TryGetTensor("wieght", out TensorEntry? entry));
        Assert.Null(entry);
        FileFormatException exception = Assert.Throws<FileFormatException>(() => file.GetTensor("wieght"));
        Assert.Contains("'weight'", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("'ids'", exception.Message, StringComparison.Ordinal);
        Assert.Equal("model.safetensors", exception.SourceName);
        Assert.Throws<FileFormatException>(() => file.ReadSingles("nowhere near anything"));
    }

    [Fact]
    public void NearNames_PrefersThePartAndTheSmallestDistance()
    {
        string[] names = ["head.weight", "norm.weight", "blocks.0.attn.qkv.weight", "model.head.weight"];
        Assert.Equal("model.head.weight", NearNames.Find("head.wei", names, 3)[1]);
        Assert.Equal(["norm.weight"], NearNames.Find("norm.wieght", names, 1));
        Assert.Empty(NearNames.Find("z", [new string('y', 100_000)], 3));
        Assert.Equal(["HEAD"], NearNames.Find("head", ["HEAD"], 3));
    }

    [Fact]
    public void MissingFile_And_EmptyFile_AreToldApart()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => SafeTensorsFile.Open(folder["none"]));
        File.WriteAllBytes(folder["empty"], []);
        Assert.Throws<FileFormatException>(() => SafeTensorsFile.Open(folder["empty"]));
        Assert.Throws<ArgumentException>(() => SafeTensorsFile.Open(""));
    }

    [Fact]
    public void BrokenFile_IsClosedAgain()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["broken"], "this is no checkpoint");
        Assert.Throws<FileFormatException>(() => SafeTensorsFile.Open(folder["broken"]));
        using FileStream exclusive = new(folder["broken"], FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(exclusive.CanWrite);
    }

    [Fact]
    public void AfterDispose_EveryReadThrows()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a"], CheckpointBytes.SmallValid());
        foreach (SafeTensorsFile file in new[] { SafeTensorsFile.Open(folder["a"]), SafeTensorsFile.Parse(CheckpointBytes.SmallValid()) })
        {
            TensorEntry entry = file.GetTensor("weight");
            file.Dispose();
            file.Dispose();
            Assert.Throws<ObjectDisposedException>(() => file.GetBytes(entry).Length);
            Assert.Throws<ObjectDisposedException>(() => file.ReadSingles("weight"));
            Assert.Throws<ObjectDisposedException>(() => file.ReadSingles(entry, new float[6]));
            Assert.Throws<ObjectDisposedException>(() => file.ReadDoubles("weight"));
            Assert.Throws<ObjectDisposedException>(() => file.ReadInt64s("ids"));
        }
    }

    [Fact]
    public void ForeignEntries_AreRefused()
    {
        using var file = SafeTensorsFile.Parse(CheckpointBytes.SmallValid());
        TensorEntry own = file.GetTensor("weight");
        TensorEntry[] foreign =
        [
            own with { ByteOffset = own.ByteOffset + 8 },
            own with { ByteCount = 1 << 20, Shape = [1 << 18] },
            own with { Shape = [3, 2] },
            own with { ElementType = TensorElementType.Signed32 },
            own with { Name = "other" },
            own with { ByteOffset = -1 },
        ];
        foreach (TensorEntry entry in foreign)
        {
            Assert.Throws<ArgumentException>(() => file.GetBytes(entry).Length);
            Assert.Throws<ArgumentException>(() => file.ReadSingles(entry, new float[6]));
        }

        // An equal entry means the same bytes, whichever object says so.
        Assert.Equal(24, file.GetBytes(own with { Shape = [2L, 3L] }).Length);
        Assert.Throws<ArgumentException>(() => file.ReadSingles(own, new float[5]));
        Assert.Throws<ArgumentException>(() => file.ReadSingles(own, new float[7]));
        Assert.Throws<ArgumentNullException>(() => file.GetBytes(null!).Length);
    }

    [Fact]
    public void EntryShapes_CannotBeChanged()
    {
        using var file = SafeTensorsFile.Parse(CheckpointBytes.SmallValid());
        Assert.False(file.GetTensor("weight").Shape is long[]);
        Assert.Throws<NotSupportedException>(() => ((IList<long>)file.GetTensor("weight").Shape)[0] = 100);
        Assert.False(file.Metadata is Dictionary<string, string>);
    }

    [Fact]
    public void TensorsBeyondTwoGigabytes_AreRefusedAsSpan_AndOffsetsStay64Bit()
    {
        const long bytes = 3L << 30;
        string header = "{" + CheckpointBytes.Entry("big", "U8", $"{bytes}", 0, bytes) + "," + CheckpointBytes.Entry("after", "U8", "3", bytes, bytes + 3) + "}";
        using SafeTensorsFile file = SafeTensorsFile.Create(new SparseByteSource(CheckpointBytes.SafeTensors(header), bytes + 3), "huge", CheckpointLimits.Default);
        FileFormatException exception = Assert.Throws<FileFormatException>(() => file.GetBytes(file.GetTensor("big")).Length);
        Assert.Contains("3221225472 bytes", exception.Message, StringComparison.Ordinal);
        Assert.Throws<FileFormatException>(() => file.ReadSingles("big"));
        Assert.Throws<FileFormatException>(() => file.ReadDoubles("big"));
        Assert.Throws<FileFormatException>(() => file.ReadInt64s("big"));
        Assert.Throws<ArgumentException>(() => file.ReadSingles(file.GetTensor("big"), new float[1]));
        Assert.Equal(8 + header.Length + bytes, file.GetTensor("after").ByteOffset);
        Assert.Equal([0L, 0L, 0L], file.ReadInt64s("after"));
    }

    [Fact]
    public void ByteSources_CheckEveryRange()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a"], Encoding.ASCII.GetBytes("0123456789"));
        foreach (ByteSource source in new[] { MappedByteSource.Open(folder["a"]), new MemoryByteSource("0123456789"u8.ToArray()) })
        {
            using (source)
            {
                Assert.Equal("3456"u8, source.Slice(3, 4));
                Assert.Equal(0, source.Slice(10, 0).Length);
                foreach ((long offset, int count) in new[] { (-1L, 1), (0L, -1), (0L, 11), (10L, 1), (11L, 0), (long.MaxValue, 1), (long.MaxValue, int.MaxValue), (long.MinValue, 1) })
                {
                    Assert.Throws<ArgumentOutOfRangeException>(() => source.Slice(offset, count).Length);
                }
            }
        }
    }

    [Fact]
    public void ManyThreads_ReadAtOnce()
    {
        using var folder = new TemporaryFolder();
        TensorToWrite[] tensors = [.. Enumerable.Range(0, 8).Select(i => TensorToWrite.FromSingles($"t{i}", [50_000], Enumerable.Repeat((float)i, 50_000).ToArray(), TensorElementType.Float16))];
        SafeTensorsWriter.Write(folder["a"], tensors);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Parallel.For(0, 64, i =>
        {
            Assert.All(file.ReadSingles($"t{i % 8}").Chunk(50_000), chunk => Assert.False(chunk.AsSpan().ContainsAnyExcept((float)(i % 8))));
        });
    }

    [Fact]
    public async Task DisposeDuringReads_EndsInValuesOrObjectDisposed()
    {
        using var folder = new TemporaryFolder();
        SafeTensorsWriter.Write(folder["a"], [TensorToWrite.FromSingles("x", [200_000], Enumerable.Repeat(3f, 200_000).ToArray())]);
        for (int round = 0; round < 20; round++)
        {
            SafeTensorsFile file = SafeTensorsFile.Open(folder["a"]);
            Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        Assert.False(file.ReadSingles("x").AsSpan().ContainsAnyExcept(3f));
                    }
                }
                catch (ObjectDisposedException)
                {
                    // the only accepted end
                }
            }))];
            SpinWait.SpinUntil(() => false, round % 5);
            Parallel.Invoke(file.Dispose, file.Dispose);
            await Task.WhenAll(readers);
        }
    }
}
