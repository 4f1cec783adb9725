using Xunit;

namespace GoldenVectors;

public sealed class GoldenFileTests(ITestOutputHelper output)
{
    public static TheoryData<string> FileNames() => [.. GoldenSuite.Files(GoldenSuite.DefaultFolder).Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(FileNames))]
    public void Library_AgreesWith_File(string fileName)
    {
        GoldenOutcome outcome = GoldenSuite.Check(Path.Combine(GoldenSuite.DefaultFolder, fileName));
        foreach (string line in outcome.Lines())
        {
            output.WriteLine(line);
        }

        if (outcome.IsOutside)
        {
            Assert.Skip($"case {outcome.Case} is outside this suite");
        }

        Assert.True(outcome.Passed, string.Join(Environment.NewLine, outcome.Lines()));
    }
}
