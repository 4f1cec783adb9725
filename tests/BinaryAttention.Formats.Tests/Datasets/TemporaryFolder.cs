namespace BinaryAttention.Formats.Tests.Datasets;

/// <summary>A fresh directory that goes away with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("binary-attention-").FullName;

    public string Add(string relativePath, string content = "x")
    {
        string path = PathOf(relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    public string PathOf(string relativePath) => Path.Combine(FullPath, relativePath);

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
