using System.Globalization;
using System.IO.Enumeration;

namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// A directory of pictures, with or without a CSV file of class indices. Everything is checked when the folder is opened: a run over thousands of pictures
/// does not stop halfway over a missing file. The pictures themselves are not opened.
/// </summary>
/// <remarks>
/// The labels file is UTF-8 with two columns, <c>file,label</c>, with or without that header; fields may be quoted. How its paths are read is decided once for the
/// whole file:
/// <list type="number">
/// <item>If any listed file exists under the images directory, all paths are relative to it, and every one must exist.</item>
/// <item>Otherwise, if listed paths begin with the images directory's place below the labels file's own folder (<c>val/</c> for <c>DIR/val</c> with
/// <c>DIR/labels.csv</c>) or, failing that, with its plain name, the labels cover more folders than this one: the paths with that beginning are taken and must all
/// exist, the others are left out and counted in <see cref="SkippedCount"/>.</item>
/// <item>Otherwise the files are missing, and the error lists them.</item>
/// </list>
/// Without a labels file every <c>*.png</c>, <c>*.jpg</c> and <c>*.jpeg</c> (in any case) of the directory and its subdirectories is taken; linked
/// directories are not entered.
/// </remarks>
public sealed class LabelledImageFolder
{
    private const int NamesInMessages = 10;

    private LabelledImageFolder(string directory, IReadOnlyList<LabelledImage> images, bool hasLabels, int skippedCount)
    {
        ImagesDirectory = directory;
        Images = images;
        HasLabels = hasLabels;
        SkippedCount = skippedCount;
    }

    /// <summary>The largest number of pictures a folder or labels file may name.</summary>
    public static int MaxImages => 5_000_000;

    /// <summary>The images directory as a full path.</summary>
    public string ImagesDirectory { get; }

    /// <summary>The pictures, in the order of the labels file, or by relative path (ordinal) if there is none.</summary>
    public IReadOnlyList<LabelledImage> Images { get; }

    /// <summary>Whether the pictures have class indices.</summary>
    public bool HasLabels { get; }

    /// <summary>Number of lines of the labels file that name files outside the images directory and were left out; see the rules above.</summary>
    public int SkippedCount { get; }

    /// <summary>Lists the pictures of a directory and checks them against the labels.</summary>
    /// <param name="imagesDirectory">The directory with the pictures.</param>
    /// <param name="labelsCsvPath">The labels file, or null for pictures without labels.</param>
    /// <returns>The folder, with at least one picture.</returns>
    /// <exception cref="DirectoryNotFoundException"><paramref name="imagesDirectory"/> does not exist.</exception>
    /// <exception cref="FileFormatException">
    /// The labels file is malformed (the message has the line), names a file twice, names a file outside the directory or files that do not exist; or there are no pictures.
    /// </exception>
    /// <exception cref="IOException">The labels file or a directory cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The labels file or a directory may not be read.</exception>
    public static LabelledImageFolder Open(string imagesDirectory, string? labelsCsvPath = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(imagesDirectory);
        string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(imagesDirectory));
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"The images directory {imagesDirectory} does not exist.");
        }

        return labelsCsvPath is null ? OpenUnlabelled(directory) : OpenLabelled(directory, labelsCsvPath);
    }

    private static LabelledImageFolder OpenUnlabelled(string directory)
    {
        var names = new List<string>();
        foreach (string path in FindPictures(directory))
        {
            if (names.Count == MaxImages)
            {
                throw new FileFormatException(directory, $"there are more than {MaxImages} pictures; split the directory.");
            }

            names.Add(Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/'));
        }

        if (names.Count == 0)
        {
            throw new FileFormatException(directory, "there are no *.png, *.jpg or *.jpeg files in the directory.");
        }

        names.Sort(StringComparer.Ordinal);
        var links = new LinkResolver(directory);
        foreach (string name in names)
        {
            links.ThrowIfOutside(name, directory);
        }

        return new LabelledImageFolder(directory, [.. names.Select(name => new LabelledImage(Path.Combine(directory, name), name, -1))], hasLabels: false, skippedCount: 0);
    }

    private static FileSystemEnumerable<string> FindPictures(string directory)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };
        return new FileSystemEnumerable<string>(directory, static (ref entry) => entry.ToFullPath(), options)
        {
            ShouldIncludePredicate = static (ref entry) => !entry.IsDirectory && IsPictureName(entry.FileName),
            ShouldRecursePredicate = static (ref entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
    }

    private static bool IsPictureName(ReadOnlySpan<char> name) =>
        name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith(".jpeg", StringComparison.OrdinalIgnoreCase);

    private static LabelledImageFolder OpenLabelled(string directory, string labelsCsvPath)
    {
        List<LabelLine> lines = LabelFile.Read(labelsCsvPath, MaxImages);
        string prefix = ChoosePrefix(directory, Path.GetFullPath(labelsCsvPath), lines);
        List<LabelLine> taken = [.. lines.Where(line => line.RelativePath.StartsWith(prefix, StringComparison.Ordinal))];
        var images = new List<LabelledImage>(taken.Count);
        var missing = new List<LabelLine>();
        var links = new LinkResolver(directory);
        foreach (LabelLine line in taken)
        {
            string relativePath = line.RelativePath[prefix.Length..];
            string path = Path.Combine(directory, relativePath);
            if (!File.Exists(path))
            {
                missing.Add(line);
                continue;
            }

            links.ThrowIfOutside(relativePath, $"{labelsCsvPath}: line {line.LineNumber}");
            images.Add(new LabelledImage(path, relativePath, line.Label));
        }

        if (missing.Count > 0)
        {
            throw Missing(directory, labelsCsvPath, prefix, missing, taken.Count);
        }

        return new LabelledImageFolder(directory, images, hasLabels: true, lines.Count - taken.Count);
    }

    // The beginning that listed paths have before the part below the images directory; empty if they are relative to it.
    private static string ChoosePrefix(string directory, string labelsPath, List<LabelLine> lines)
    {
        if (lines.Exists(line => File.Exists(Path.Combine(directory, line.RelativePath))))
        {
            return "";
        }

        string fromLabels = Path.GetRelativePath(Path.GetDirectoryName(labelsPath) ?? directory, directory).Replace(Path.DirectorySeparatorChar, '/');
        foreach (string candidate in new[] { fromLabels + "/", Path.GetFileName(directory) + "/" })
        {
            // "./" or "../x/" (the labels lie in or below the images directory) match no normalised path.
            if (lines.Exists(line => line.RelativePath.StartsWith(candidate, StringComparison.Ordinal)))
            {
                return candidate;
            }
        }

        return "";
    }

    private static FileFormatException Missing(string directory, string labelsCsvPath, string prefix, List<LabelLine> missing, int total)
    {
        string names = string.Join(", ", missing.Take(NamesInMessages).Select(static line => string.Create(CultureInfo.InvariantCulture, $"{line.RelativePath} (line {line.LineNumber})")));
        string more = missing.Count > NamesInMessages ? string.Create(CultureInfo.InvariantCulture, $" and {missing.Count - NamesInMessages} more") : "";
        string rule = prefix.Length == 0 ? "Paths are taken relative to that directory." : $"Paths were taken to begin with '{prefix}', the name of that directory.";
        return new FileFormatException(labelsCsvPath, $"{missing.Count} of {total} listed files do not exist in {directory}: {names}{more}. {rule}");
    }
}
