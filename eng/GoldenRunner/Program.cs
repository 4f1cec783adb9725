// Checks every golden file of a folder and prints what was compared. Exit code 0 if all pass and at least one was checked, 1 if one fails or none was checked,
// 2 if the folder is missing.
using GoldenVectors;

if (args.Length != 1 || !Directory.Exists(args[0]))
{
    await Console.Error.WriteLineAsync("usage: golden FOLDER    (a folder of *.safetensors golden files)").ConfigureAwait(false);
    return 2;
}

int passed = 0;
int failed = 0;
foreach (string path in GoldenSuite.Files(args[0]))
{
    GoldenOutcome outcome = GoldenSuite.Check(path);
    foreach (string line in outcome.Lines())
    {
        Console.WriteLine(line);
    }

    passed += outcome.Passed ? 1 : 0;
    failed += outcome.Failures.Count > 0 ? 1 : 0;
}

Console.WriteLine(FormattableString.Invariant($"{passed} passed, {failed} failed"));
return failed > 0 || passed == 0 ? 1 : 0;
