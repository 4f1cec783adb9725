namespace TestKit.Files;

/// <summary>A new folder of its own for one test, deleted with everything in it when the test ends.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Creates the folder.</summary>
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("binary-attention-").FullName;

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>The full path of a file in the folder; nothing is created.</summary>
    public string this[string fileName] => System.IO.Path.Combine(Path, fileName);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
