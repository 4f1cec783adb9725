// The suite itself: it must notice a wrong number, a tensor that nobody looks at, a missing checker and an unreadable file.
using System.Text;
using Xunit;

namespace GoldenVectors;

public sealed class GoldenSuiteTests : IDisposable
{
    private const string Source = "B_rel_pos_index.safetensors";

    private readonly string _folder = Directory.CreateTempSubdirectory("golden").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void UnchangedFile_Passes()
    {
        GoldenOutcome outcome = Check(Source, static _ => { });
        Assert.True(outcome.Passed, string.Join(Environment.NewLine, outcome.Lines()));
        Assert.Equal(6, outcome.Report!.Compared);
    }

    [Fact]
    public void WrongNumber_Fails()
    {
        GoldenOutcome outcome = Check(Source, static bytes => bytes[^1] ^= 1);
        Assert.False(outcome.Passed);
        Assert.Equal(1.0, Assert.Single(outcome.Failures).Error / 256);
    }

    [Fact]
    public void TensorThatNobodyKnows_Fails()
    {
        GoldenOutcome outcome = Check(Source, static bytes => Replace(bytes, "index_3x5", "index_9x9"));
        Assert.Equal(2, outcome.Failures.Count);
        Assert.Contains(outcome.Failures, failure => failure.Tensor == "index_3x5" && failure.Message.Contains("not in the file", StringComparison.Ordinal));
        Assert.Contains(outcome.Failures, failure => failure.Tensor == "index_9x9" && failure.Message.Contains("neither used as input nor compared", StringComparison.Ordinal));
    }

    [Fact]
    public void RequiredKindWithoutChecker_Fails()
    {
        GoldenOutcome outcome = Check(Source, static bytes => Replace(bytes, "relative_position_index", "relative_position_indey"));
        Assert.Contains("no checker", Assert.Single(outcome.Failures).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherKind_IsOutside_AndNotPassed()
    {
        GoldenOutcome outcome = Check("E_other.safetensors", static bytes => Replace(bytes, "relative_position_index", "relative_position_indey"));
        Assert.True(outcome.IsOutside);
        Assert.False(outcome.Passed);
    }

    [Fact]
    public void LeftOutTensors_TakeOneLineForAReason()
    {
        var file = GoldenFile.Read(Path.Combine(AppContext.BaseDirectory, "Data", Source));
        var report = new GoldenReport(file);
        foreach (string name in (string[])["tanh/in", "tanh/out", "relu/in"])
        {
            report.Skip(name, "no such layer");
        }

        report.Skip("resize/grad_in", "no gradient");
        string[] lines = [.. new GoldenOutcome(file.FileName, file.Case, report, []).Lines()];
        Assert.Equal(["  left out 3 tensors of relu, tanh: no such layer", "  left out 1 tensor of resize: no gradient"], lines[1..]);
    }

    [Fact]
    public void UnreadableFile_Fails()
    {
        string path = Path.Combine(_folder, "A_broken.safetensors");
        File.WriteAllBytes(path, [1, 2, 3]);
        Assert.Single(GoldenSuite.Check(path).Failures);
    }

    private static void Replace(byte[] bytes, string from, string to)
    {
        int position = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(from));
        Assert.True(position > 0 && from.Length == to.Length);
        Encoding.ASCII.GetBytes(to, bytes.AsSpan(position));
    }

    private GoldenOutcome Check(string fileName, Action<byte[]> change)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", Source));
        change(bytes);
        string path = Path.Combine(_folder, fileName);
        File.WriteAllBytes(path, bytes);
        return GoldenSuite.Check(path);
    }
}
