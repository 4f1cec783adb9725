namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// Keeps symbolic links from leading out of a directory: follows every link on the way to a file and compares where it ends with where the directory really is.
/// A guard against surprises in unpacked archives, not against someone who changes links while the program runs.
/// </summary>
internal sealed class LinkResolver
{
    // As many links in a row as Linux follows; more are a loop.
    private const int MaxLinks = 40;

    private static readonly StringComparison PathComparison = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    // Where each directory really is; the files of a data set share few of them.
    private readonly Dictionary<string, string> _realDirectories = new(StringComparer.Ordinal);
    private readonly string _directory;
    private readonly string _realRoot;

    public LinkResolver(string directory)
    {
        _directory = directory;
        string real = ResolveDirectory(directory, 0);
        _realRoot = Path.EndsInDirectorySeparator(real) ? real : real + Path.DirectorySeparatorChar;
    }

    public void ThrowIfOutside(string relativePath, string sourceName)
    {
        string real = Resolve(Path.GetFullPath(Path.Combine(_directory, relativePath)), 0);
        if (!real.StartsWith(_realRoot, PathComparison))
        {
            throw new FileFormatException(sourceName, $"'{relativePath}' is a link to {real}, outside the images directory; such files are not read.");
        }
    }

    private string Resolve(string path, int linkCount)
    {
        string? parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return path;
        }

        string here = Path.Combine(ResolveDirectory(parent, linkCount), Path.GetFileName(path));
        string? target = new FileInfo(here).LinkTarget;
        if (target is null)
        {
            return here;
        }

        if (linkCount == MaxLinks)
        {
            throw new FileFormatException(path, $"more than {MaxLinks} links follow each other.");
        }

        return Resolve(Path.GetFullPath(target, Path.GetDirectoryName(here)!), linkCount + 1);
    }

    private string ResolveDirectory(string path, int linkCount)
    {
        if (!_realDirectories.TryGetValue(path, out string? real))
        {
            real = Resolve(path, linkCount);
            _realDirectories[path] = real;
        }

        return real;
    }
}
