using System.IO.Compression;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Zip archives from the framework's writer: another program than the reader under test.</summary>
internal static class ZipBytes
{
    public static byte[] Of(CompressionLevel level, params (string Name, byte[] Content)[] members)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in members)
            {
                using Stream member = archive.CreateEntry(name, level).Open();
                member.Write(content);
            }
        }

        return stream.ToArray();
    }

    /// <summary>A checkpoint with this pickle and as many storages, named 0, 1, ..., as contents are given.</summary>
    public static byte[] Checkpoint(byte[] pickle, params byte[][] storages) => Checkpoint(CompressionLevel.NoCompression, pickle, storages);

    public static byte[] Checkpoint(CompressionLevel level, byte[] pickle, params byte[][] storages) =>
        Of(level, [("archive/data.pkl", pickle), ("archive/byteorder", [.. "little"u8]), .. storages.Select(static (content, i) => ($"archive/data/{i}", content)), ("archive/version", [.. "3\n"u8])]);

    /// <summary>Float32 values 0, 1, 2, ...</summary>
    public static byte[] Counting(int count) => [.. Enumerable.Range(0, count).SelectMany(static i => BitConverter.GetBytes((float)i))];
}
