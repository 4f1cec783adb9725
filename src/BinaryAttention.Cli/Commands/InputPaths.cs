// Paths that the user gives, refused before any work where they name nothing that can be read: the message says what is there and what is expected.
using System.Formats.Tar;

namespace BinaryAttention.Cli.Commands;

internal static class InputPaths
{
    /// <summary>Refuses what cannot be read as a regular file: missing, a folder, a pipe, a device, no permission. A pipe that nobody writes to is not waited for.</summary>
    public static string File(string path, string what)
    {
        if (path.Length == 0)
        {
            throw new BadInputException($"{what} is empty; the path of a file is expected.");
        }

        if (Directory.Exists(path))
        {
            throw new BadInputException($"{what} \"{path}\" is not a regular file but a folder; a file is expected.");
        }

        var info = new FileInfo(path);
        if (!info.Exists)
        {
            string remedy = path.StartsWith('-') ? "If an option was meant: there is none of that name, see --help." : "Check the path; relative paths start at the current directory.";
            throw new BadInputException($"{what} \"{path}\" does not exist. {remedy}");
        }

        try
        {
            if (!IsOrdinary(info))
            {
                throw NotRegular(path, what);
            }

            using FileStream file = info.OpenRead();
            return file.CanSeek ? path : throw NotRegular(path, what);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"{what} \"{path}\" cannot be read: {problem.Message} Check its permissions.");
        }
    }

    /// <summary>Refuses what is no folder.</summary>
    public static string Folder(string path, string what)
    {
        if (path.Length == 0)
        {
            throw new BadInputException($"{what} is empty; the path of a folder is expected.");
        }

        if (!Directory.Exists(path))
        {
            throw new BadInputException(System.IO.File.Exists(path)
                ? $"{what} \"{path}\" is a file; a directory is expected."
                : $"{what} \"{path}\" does not exist. Check the path; relative paths start at the current directory.");
        }

        return path;
    }

    /// <summary>Whether something that exists and is no folder is an ordinary file or a link to one, found out without opening it.</summary>
    public static bool IsOrdinary(FileInfo info)
    {
        // The length of a link is that of its text. A target that does not exist although the path does is a pipe or socket of the process's own open files.
        FileInfo target = info.ResolveLinkTarget(returnFinalTarget: true) is { } end ? new FileInfo(end.FullName) : info;
        return target.Exists && (target.Length != 0 || IsRegular(target));
    }

    /// <summary>
    /// Whether an entry without length, and no link, is an ordinary file; pipes and devices have no length either, and opening one may wait for ever. File
    /// attributes do not tell on Unix: the framework's only public look at the kind of an entry, without opening it, is the header an archive would give it.
    /// </summary>
    private static bool IsRegular(FileInfo info)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        using var header = new MemoryStream();
        using (var writer = new TarWriter(header, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(info.FullName, "entry");
        }

        header.Position = 0;
        using var reader = new TarReader(header);
        return reader.GetNextEntry()?.EntryType == TarEntryType.RegularFile;
    }

    private static BadInputException NotRegular(string path, string what) =>
        new($"{what} \"{path}\" is not a regular file but a pipe or a device. Save its content as a file first.");
}
