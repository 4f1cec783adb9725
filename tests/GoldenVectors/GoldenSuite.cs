// Runs the checkers over files. Files of the kinds A (attention), B (quantisers, tables), C (vision transformer), D (losses) and F (layers, optimisers, schedules) must be checked; other kinds are
// reported as outside unless a checker takes them.
namespace GoldenVectors;

internal static class GoldenSuite
{
    public const string FolderVariable = "BINARYATTENTION_GOLDEN";

    private static readonly string[] RequiredPrefixes = ["A_", "B_", "C_", "D_", "F_"];

    private static readonly string[] RequiredCases =
        ["attention", "attention_edge", "quantizers", "relative_position_index", "interp_pos_embed", "interp_rel_pos", "vit_io", "vit_weights", "layers", "losses", "optimizers", "schedules"];

    /// <summary>The folder that the environment names, else the committed one beside this program.</summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder
        ? folder
        : Path.Combine(AppContext.BaseDirectory, "Data");

    public static IReadOnlyList<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)];

    /// <summary>Checks one file. Anything that goes wrong, unreadable files included, is a failure of that file and does not end the run.</summary>
    public static GoldenOutcome Check(string path)
    {
        string fileName = Path.GetFileName(path);
        string @case = string.Empty;
        try
        {
            var file = GoldenFile.Read(path);
            @case = file.Case;
            return Check(file);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return new GoldenOutcome(fileName, @case, null, [Failure(fileName, $"{exception.GetType().Name}: {exception.Message}")]);
        }
    }

    private static GoldenOutcome Check(GoldenFile file)
    {
        IGoldenChecker? checker = GoldenCheckers.All.FirstOrDefault(candidate => candidate.Handles(file));
        if (checker is null)
        {
            bool required = RequiredPrefixes.Any(prefix => file.FileName.StartsWith(prefix, StringComparison.Ordinal)) || RequiredCases.Contains(file.Case, StringComparer.Ordinal);
            return new GoldenOutcome(file.FileName, file.Case, null, required ? [Failure(file.FileName, $"no checker handles case \"{file.Case}\"")] : []);
        }

        GoldenReport report = checker.Check(file);
        report.AccountForAll();
        if (report.Compared == 0)
        {
            report.Fail(file.FileName, "nothing was compared");
        }

        return new GoldenOutcome(file.FileName, file.Case, report, report.Failures);
    }

    private static GoldenFailure Failure(string name, string message) => new(name, double.NaN, double.NaN, message);
}
