using System.IO.Compression;
using System.Text;

namespace BinaryAttention.Cli.Tests;

/// <summary>A checkpoint as torch.save writes it: the pickle of {"w": two float32, "n": one int64, "epoch": 3} and its storages.</summary>
internal static class PyTorchFile
{
    public static byte[] Weights { get; } = [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-65_520f)];

    public static byte[] Counts { get; } = BitConverter.GetBytes(-9L);

    public static byte[] Bytes()
    {
        string pickle = "\u0080\u0002}(" + Text("w") + Tensor("FloatStorage", "0", 2) + Text("n") + Tensor("LongStorage", "1", 1) + Text("epoch") + "K\u0003u.";
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in new[] { ("m/data.pkl", Encoding.Latin1.GetBytes(pickle)), ("m/data/0", Weights), ("m/data/1", Counts) })
            {
                using Stream member = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                member.Write(content);
            }
        }

        return stream.ToArray();
    }

    private static string Text(string text) => $"X{(char)text.Length}\0\0\0{text}";

    private static string Tensor(string kind, string key, int count) =>
        "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + $"ctorch\n{kind}\n" + Text(key) + Text("cpu") + $"K{(char)count}tQK\0K{(char)count}\u0085K\u0001\u0085\u0089ccollections\nOrderedDict\n)RtR";
}
