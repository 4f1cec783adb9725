// Runs the checkers over files. Files of the kinds A (attention), B (quantisers, tables), C (vision transformer) and F_layers must be checked; other kinds are
// reported as outside unless a checker takes them.
namespace GoldenVectors;

internal static class GoldenSuite
{
    public const string FolderVariable = "BINARYATTENTION_GOLDEN";

    private static readonly string[] RequiredPrefixes = ["A_", "B_", "C_", "F_layers"];

    private static readonly string[] RequiredCases =
        ["attention", "attention_edge", "quantizers", "relative_position_index", "interp_pos_embed", "interp_rel_pos", "vit_io", "vit_weights", "layers"];

    /// <summary>The folder that the environment names, else the committed one beside this program.</summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder
        ? folder
        : Path.Combine(AppContext.BaseDirectory, "Data");

    public static IReadOnlyList<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)];

    public static GoldenOutcome Check(string path)
    {
        var file = GoldenFile.Read(path);
        IGoldenChecker? checker = GoldenCheckers.All.FirstOrDefault(candidate => candidate.Handles(file));
        if (checker is null)
        {
            bool required = RequiredPrefixes.Any(prefix => file.FileName.StartsWith(prefix, StringComparison.Ordinal)) || RequiredCases.Contains(file.Case, StringComparer.Ordinal);
            return new GoldenOutcome(file.FileName, file.Case, null, required ? [new GoldenFailure(file.FileName, double.NaN, double.NaN, $"no checker handles case \"{file.Case}\"")] : []);
        }

        GoldenReport report = checker.Check(file);
        report.AccountForAll();
        if (report.Compared == 0)
        {
            report.Fail(file.FileName, "nothing was compared");
        }

        return new GoldenOutcome(file.FileName, file.Case, report, report.Failures);
    }
}
