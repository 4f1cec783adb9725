// A small text file that appears whole or not at all: written beside its place, flushed to disk, renamed.
using System.Text;

namespace BinaryAttention.Models.Training.Checkpoints;

internal static class AtomicFile
{
    private const int GuidLength = 32;

    public static void Write(string path, string text)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(Encoding.UTF8.GetBytes(text));

                // Data before name: after a power cut the new name must not lead to missing bytes.
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Removes what a killed process left half written in a folder, and nothing else: NAME.GUID.tmp of the given names.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="names">Names of files that this class writes; an empty one stands for the tensor writer, whose files are .GUID.tmp.</param>
    public static void RemoveLeftovers(string folder, params string[] names)
    {
        foreach (string path in Directory.GetFiles(folder, "*.tmp"))
        {
            if (OriginalOf(Path.GetFileName(path)) is { } name && names.Contains(name, StringComparer.Ordinal))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>The name that a temporary file was to get, empty for one of the tensor writer; null if it is no temporary file of either.</summary>
    public static string? OriginalOf(string temporary)
    {
        const string Ending = ".tmp";
        int length = temporary.Length - Ending.Length - GuidLength - 1;
        return length >= 0 && temporary.EndsWith(Ending, StringComparison.Ordinal) && temporary[length] == '.' && Guid.TryParseExact(temporary.AsSpan(length + 1, GuidLength), "N", out _) ? temporary[..length] : null;
    }
}
