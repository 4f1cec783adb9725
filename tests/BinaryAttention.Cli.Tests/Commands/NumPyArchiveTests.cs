using System.IO.Compression;
using System.Text;
using System.Text.Json;
using BinaryAttention.Formats.Checkpoints;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class NumPyArchiveTests
{
    [Fact]
    public void Classify_GivesTheSame_FromNpzAndSafeTensors()
    {
        using var folder = new TemporaryFolder();
        string safeTensors = OneBitCheckpoint.Write(folder);
        string npz = folder.Write("model.anything", Npz(safeTensors));
        string photo = RepositoryFolder.PathOf("samples/photos/chelsea.png");
        CommandRun expected = CommandRun.Of("classify", photo, "--model", safeTensors, "--attention", "exact", "--json");
        CommandRun actual = CommandRun.Of("classify", photo, "--model", npz, "--attention", "exact", "--json");
        Assert.Equal(ExitCodes.Success, actual.ExitCode);
        Assert.Equal(Top(expected), Top(actual));

        IReadOnlyList<JsonElement> lines = CommandRun.Of("inspect", npz, "--json").JsonLines;
        Assert.Equal("NumPy archive", lines[^1].GetProperty("format").GetString());
        Assert.Equal(JsonValueKind.Null, lines[0].GetProperty("offset").ValueKind);
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", npz, "-o", folder["back.safetensors"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(safeTensors), File.ReadAllBytes(folder["back.safetensors"]));
    }

    private static string Top(CommandRun run) => run.JsonLines[0].GetProperty("predictions").GetRawText();

    private static byte[] Npz(string safeTensors)
    {
        using var file = SafeTensorsFile.Open(safeTensors);
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (TensorEntry tensor in file.Tensors)
            {
                string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", tensor.Shape)}{(tensor.Shape.Count == 1 ? "," : "")}), }}\n";
                using Stream member = archive.CreateEntry(tensor.Name + ".npy", CompressionLevel.Optimal).Open();
                member.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.Latin1.GetBytes(header), .. file.ReadBytes(tensor.Name)]);
            }
        }

        return stream.ToArray();
    }
}
