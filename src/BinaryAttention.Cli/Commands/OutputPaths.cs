// Paths of files to write, refused before any work where nothing could be written in the end.
namespace BinaryAttention.Cli.Commands;

internal static class OutputPaths
{
    /// <summary>Refuses an empty path, a folder, a place in no folder, a file that is there already unless it may be replaced, and a device or pipe in any case.</summary>
    public static string File(string path, string option, bool force)
    {
        if (path.Length == 0)
        {
            throw new BadInputException($"{option} is empty; the path of the file to write is expected.");
        }

        if (Directory.Exists(path))
        {
            throw new BadInputException($"{option} \"{path}\" is a folder; the path of the file to write is expected.");
        }

        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (!Directory.Exists(folder))
        {
            throw new BadInputException($"the folder of {option} \"{path}\" does not exist. Create it first.");
        }

        if (!Path.Exists(path))
        {
            return path;
        }

        if (!force)
        {
            throw new BadInputException($"{option} \"{path}\" exists. Give --force to replace it.");
        }

        // Replacing means renaming a new file over it, which nobody wants for /dev/null.
        return InputPaths.IsOrdinary(new FileInfo(path)) ? path : throw new BadInputException($"{option} \"{path}\" is a pipe or a device; it is never replaced. Give the path of a file.");
    }
}
