// What a calibration leaves behind: the checkpoint and, if asked for, a page. Both or neither, and never one in the place of the other.
using BinaryAttention.Cli.Commands;
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Cli.Recognition;

internal sealed record CalibrationFiles(string Output, string? Page, bool MayReplace)
{
    private static readonly StringComparison PathComparison = OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;

    /// <summary>Refuses places where nothing could be written, or where one file would take the place of another.</summary>
    public static CalibrationFiles Check(string output, string? page, bool mayReplace)
    {
        var files = new CalibrationFiles(OutputPaths.File(output, "--output", mayReplace), page is null ? null : OutputPaths.File(page, "--html", mayReplace), mayReplace);
        if (page is not null && (AreSame(page, output) || AreSame(page, CalibrationProgress.PathOf(output))))
        {
            throw new BadInputException($"--html \"{page}\" is {(AreSame(page, output) ? "the file of --output" : "where finished layers are kept")}. Give the page a path of its own.");
        }

        return files;
    }

    /// <summary>Refuses folders where no file can be made, before hours of work.</summary>
    public void Probe()
    {
        OutputFile.Probe(Output);
        if (Page is not null)
        {
            OutputFile.Probe(Page);
        }
    }

    /// <summary>Writes both: the page first, which is taken back if the checkpoint fails.</summary>
    public void Write(IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata, string? page)
    {
        if (page is not null)
        {
            OutputFile.Write(Page!, page, MayReplace);
        }

        string temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(Output))!, $".{Guid.NewGuid():N}.tmp");
        try
        {
            // The writer replaces what is there; renaming does so only where it may.
            SafeTensorsWriter.Write(temporary, tensors, metadata);
            File.Move(temporary, Output, MayReplace);
        }
        catch (Exception problem)
        {
            File.Delete(temporary);
            if (page is not null)
            {
                File.Delete(Page!);
            }

            if (problem is IOException && !MayReplace && Path.Exists(Output))
            {
                throw new BadInputException($"--output \"{Output}\" was made by someone else meanwhile. The finished layers are kept: move that file away or give --force, and repeat the command.");
            }

            throw;
        }
    }

    private static bool AreSame(string first, string second) => string.Equals(Path.GetFullPath(first), Path.GetFullPath(second), PathComparison);
}
