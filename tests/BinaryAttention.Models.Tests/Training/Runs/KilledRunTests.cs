// A run in a child process that is killed at random moments, again and again, comes to the bits of a run that nobody disturbed.
using System.Diagnostics;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Runs;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

public sealed class KilledRunTests
{
    private const string FolderVariable = "BINARYATTENTION_TEST_RUN", EpochsVariable = "BINARYATTENTION_TEST_EPOCHS", LongVariable = "BINARYATTENTION_LONG";

    [Fact]
    public async Task KilledAgainAndAgain_ComesToTheSameBits()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(FolderVariable) is null, "children start no children");
        bool isLong = string.Equals(Environment.GetEnvironmentVariable(LongVariable), "1", StringComparison.Ordinal);
        int kills = isLong ? 20 : 3, epochs = isLong ? 80 : 12, steps = 6 * epochs;
        using TemporaryFolder undisturbed = new(), killed = new();
        new TrainingRun(SmallRun.Read(undisturbed, $"epochs={epochs}")).Run(resume: false, TestContext.Current.CancellationToken);
        SmallRun.Write(killed);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { [FolderVariable] = killed.Path, [EpochsVariable] = $"{epochs}" };
        int interrupted = 0;
        for (int i = 0; i < kills; i++)
        {
            RandomStream random = new Randomness(11).Stream("kill", i);
            interrupted += await KillOnce(environment, killed.Path, atLine: random.NextInt((steps / kills) + 1), milliseconds: random.NextInt(30)) ? 1 : 0;
        }

        Assert.True(interrupted > 0, "The run was over before it was killed once.");
        Assert.Null(ChildProgram.Failure(ChildProgram.Run(typeof(KilledRunTests).Assembly, environment, "--filter-method", "*.ChildTrains")));
        RunFiles.AssertSame(undisturbed["run"], killed["run"], compareLogs: true);
        TestContext.Current.SendDiagnosticMessage($"killed {interrupted} times in {steps} steps");
    }

    [Fact]
    public void ChildTrains()
    {
        string? folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(folder is null, "run in a child process");
        TrainingConfiguration configuration = ConfigurationFile.Read(Path.Combine(folder!, "train.json"), [$"epochs={Environment.GetEnvironmentVariable(EpochsVariable)}"]);
        new TrainingRun(configuration).Run(resume: true, TestContext.Current.CancellationToken);
    }

    /// <summary>Starts the run and kills it after some lines of its log and a moment more; false if it was over before.</summary>
    private static async Task<bool> KillOnce(Dictionary<string, string> environment, string folder, int atLine, int milliseconds)
    {
        string log = Path.Combine(folder, "run", "log.jsonl");
        long before = Length(log);
        using Process process = ChildProgram.Start(typeof(KilledRunTests).Assembly, environment, "--filter-method", "*.ChildTrains");
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        // A line has about 200 bytes; that the start may have cut some off only moves the moment.
        while (!process.HasExited && Length(log) <= before + (200L * atLine))
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
        bool isRunning = !process.HasExited;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return isRunning && !File.Exists(Path.Combine(folder, "run", "result.json"));
    }

    private static long Length(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}
