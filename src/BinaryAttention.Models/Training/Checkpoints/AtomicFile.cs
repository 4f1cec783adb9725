// A small text file that appears whole or not at all: written beside its place, flushed to disk, renamed.
using System.Text;

namespace BinaryAttention.Models.Training.Checkpoints;

internal static class AtomicFile
{
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

    /// <summary>Removes what a killed process left half written in a folder: files of this class and of the tensor writer.</summary>
    public static void RemoveLeftovers(string folder)
    {
        foreach (string path in Directory.GetFiles(folder, "*.tmp"))
        {
            File.Delete(path);
        }
    }
}
