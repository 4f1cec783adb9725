using BinaryAttention.Models.Training.Runs;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

public sealed class TrainingLogTests
{
    [Fact]
    public void Lines_BehindTheStepGo()
    {
        using var folder = new TemporaryFolder();
        Write(folder["log"], 0, 1, 2, 3);
        Write(folder["log"], 2, 7);
        Assert.Equal([1L, 2, 7], Steps(folder["log"]));
    }

    [Theory]
    [InlineData("{\"kind\":\"step\",\"st")]
    [InlineData("{\"kind\":\"step\",\"step\":2}")]
    [InlineData("nonsense\n")]
    [InlineData("{}\n")]
    [InlineData("[]\n")]
    public void LineCutShort_Goes(string tail)
    {
        using var folder = new TemporaryFolder();
        Write(folder["log"], 0, 1);
        File.AppendAllText(folder["log"], tail);
        Write(folder["log"], 9, 3);
        Assert.Equal([1L, 3], Steps(folder["log"]));
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 3)]
    public void EpochLine_OfAnEpochThatIsStillToBeEndedGoes(bool isInsideEpoch, int lines)
    {
        using var folder = new TemporaryFolder();
        Write(folder["log"], 0, 1, 2);
        using (var log = TrainingLog.Open(folder["log"], 2, isInsideEpoch: false))
        {
            log.Write("epoch", 2, static _ => { });
            log.FlushToDisk();
        }

        TrainingLog.Open(folder["log"], 2, isInsideEpoch).Dispose();
        Assert.Equal(lines, File.ReadAllLines(folder["log"]).Length);
    }

    private static void Write(string path, long from, params long[] steps)
    {
        using var log = TrainingLog.Open(path, from, isInsideEpoch: false);
        foreach (long step in steps)
        {
            log.Write("step", step, static writer => writer.WriteString("text", "é"));
        }
    }

    private static long[] Steps(string path) => [.. File.ReadLines(path).Select(static line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt64())];
}
