// What a run was started from, so that it is not continued from something else under the same paths: inputs.json with the SHA-256 of every file it reads. Of a folder of photographs, the hash is of
// names and lengths; reading all of them would take as long as an epoch.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Configuration;

namespace BinaryAttention.Models.Training.Runs;

internal static class RunInputs
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png"];

    /// <summary>Notes the inputs of a new run, or refuses to continue with others.</summary>
    /// <exception cref="ArgumentException">An input is not what the run was started with.</exception>
    public static void Require(RunFolder folder, TrainingConfiguration configuration)
    {
        string text = Text(configuration);
        if (!File.Exists(folder.InputsPath))
        {
            AtomicFile.Write(folder.InputsPath, text);
            return;
        }

        string stored = File.ReadAllText(folder.InputsPath);
        if (!string.Equals(text, stored, StringComparison.Ordinal))
        {
            var before = stored.Split('\n').ToHashSet(StringComparer.Ordinal);
            string changed = text.Split('\n').FirstOrDefault(line => !before.Contains(line))?.Split('"').ElementAtOrDefault(1) ?? "an input";
            throw new ArgumentException($"{changed} has changed since the run in {folder.Folder} was started. Continue with the same files, or choose another output.", nameof(configuration));
        }
    }

    private static string Text(TrainingConfiguration configuration)
    {
        DataSection data = configuration.Data;
        (string Name, string? Path)[] inputs =
        [
            ("model.checkpoint", configuration.Model.Checkpoint), ("loss.teacher", configuration.Loss.Teacher), ("data.images", data.Images), ("data.labels", data.Labels),
            ("data.train.images", data.Train.Images), ("data.train.labels", data.Train.Labels), ("data.select.images", data.Select?.Images), ("data.select.labels", data.Select?.Labels),
            ("data.test.images", data.Test?.Images), ("data.test.labels", data.Test?.Labels),
        ];
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            foreach ((string name, string? path) in inputs)
            {
                if (path is not null)
                {
                    writer.WriteString(name, Directory.Exists(path) ? OfFolder(path) : OfFile(path));
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static string OfFile(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string OfFolder(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (FileInfo file in new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Where(static file => Extensions.Contains(file.Extension, StringComparer.OrdinalIgnoreCase)).OrderBy(static file => file.FullName, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(path, file.FullName)}\0{file.Length}\0")));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
