// A text file that appears whole or not at all: written beside its place under a temporary name, flushed to disk, renamed.
using System.Text;

namespace BinaryAttention.Cli.Console;

internal static class OutputFile
{
    /// <summary>Refuses a place where no file can be made, before hours of work are spent on its content.</summary>
    public static void Probe(string path)
    {
        try
        {
            using var probe = new FileStream(Temporary(path), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"\"{path}\" cannot be written: {problem.Message} Check the folder's permissions.");
        }
    }

    /// <summary>Writes UTF-8 text.</summary>
    /// <exception cref="IOException">The file could not be written, or exists and may not be replaced; whatever was there is unchanged.</exception>
    public static void Write(string path, string text, bool replace)
    {
        string temporary = Temporary(path);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(Encoding.UTF8.GetBytes(text));

                // Data before name: after a power cut the new name must not lead to missing bytes.
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, Path.GetFullPath(path), replace);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static string Temporary(string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path)) ?? path, $".{Guid.NewGuid():N}.tmp");
}
