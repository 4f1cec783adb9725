using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Training.Runs;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Runs;

public sealed class TrainingRunTests
{
    [Theory]
    [InlineData("attention.kind=binary")]
    [InlineData("attention.kind=exact", "attention.quantization=full")]
    [InlineData("attention.quantization=training-parity", "attention.weighting=none", "attention.bias=none")]
    [InlineData("optimizer.kind=sgd", "optimizer.learningRate=0.1", "schedule.kind=step", "schedule.stepEpochs=4", "ema=0")]
    [InlineData("optimizer.kind=adam", "schedule.kind=constant", "recomputeBlocks=true", "optimizer.weightDecay=0")]
    public void Learns_BrightFromDark(params string[] changes)
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, [.. SmallRun.Plain, "epochs=16", .. changes]);
        TrainingResult result = new TrainingRun(configuration).Run(resume: false, TestContext.Current.CancellationToken);
        Assert.True(result.Test!.Accuracy >= 0.9, $"accuracy {result.Test.Accuracy}");
        Assert.Equal(16, result.Test.Count);
        Assert.Equal(16, result.Test.Confusion.Sum(static row => row.Sum()));
    }

    [Fact]
    public void Bits_DoNotDependOnThreads()
    {
        using TemporaryFolder one = new(), other = new();
        new TrainingRun(SmallRun.Read(one, "data.workers=0")).Run(resume: false, TestContext.Current.CancellationToken);
        new TrainingRun(SmallRun.Read(other, "threads=3", "data.workers=3", "logSteps=5")).Run(resume: false, TestContext.Current.CancellationToken);
        RunFiles.AssertSame(one["run"], other["run"], compareLogs: false);
    }

    [Fact]
    public void Cancelled_ContinuesToTheSameBits()
    {
        using TemporaryFolder one = new(), other = new();
        new TrainingRun(SmallRun.Read(one)).Run(resume: false, TestContext.Current.CancellationToken);
        TrainingConfiguration configuration = SmallRun.Read(other);
        // Six steps are an epoch: the second run is cancelled while it measures.
        foreach (int steps in (int[])[1, 5, 8, 3, 100])
        {
            using var cancellation = new CancellationTokenSource();
            int done = 0;
            var run = new TrainingRun(configuration) { Progress = _ => Count() };
            if (steps == 100)
            {
                run.Run(resume: true, cancellation.Token);
            }
            else
            {
                Assert.ThrowsAny<OperationCanceledException>(() => run.Run(resume: true, cancellation.Token));
            }

            void Count()
            {
                if (++done == steps)
                {
                    cancellation.Cancel();
                }
            }
        }

        RunFiles.AssertSame(one["run"], other["run"], compareLogs: true);
    }

    [Fact]
    public void DamagedNewest_IsSkippedAndTheBitsAreTheSame()
    {
        using TemporaryFolder one = new(), other = new();
        new TrainingRun(SmallRun.Read(one)).Run(resume: false, TestContext.Current.CancellationToken);
        TrainingConfiguration configuration = SmallRun.Read(other);
        using var cancellation = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => new TrainingRun(configuration) { Progress = progress => Cancel(progress, cancellation) }.Run(resume: false, cancellation.Token));
        string newest = Directory.GetFiles(Path.Combine(other["run"], "checkpoints"), "*.safetensors").Order(StringComparer.Ordinal).Last();
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^9] ^= 4;
        File.WriteAllBytes(newest, bytes);
        var messages = new List<string>();
        new TrainingRun(configuration) { Message = messages.Add }.Run(resume: true, TestContext.Current.CancellationToken);
        Assert.Contains(messages, static message => message.Contains("cannot be used", StringComparison.Ordinal));
        RunFiles.AssertSame(one["run"], other["run"], compareLogs: true);
    }

    [Fact]
    public void NonFiniteLoss_NamesTheLayerAndKeepsTheCheckpoint()
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, "optimizer.learningRate=1000", "optimizer.clipNorm=0", "optimizer.kind=sgd", "schedule.kind=constant", "schedule.warmUpEpochs=0", "checkpointSteps=1", "epochs=50", "attention.kind=exact", "attention.quantization=full", "ema=0");
        var problem = Assert.Throws<NonFiniteException>(() => new TrainingRun(configuration).Run(resume: false, TestContext.Current.CancellationToken));
        Assert.NotEmpty(problem.Layer);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(folder["run"], "checkpoints"), "*.json"));
    }

    [Fact]
    public void Weights_ThatAreNotFiniteAreNeverExported()
    {
        // One step an epoch: every one is followed by the end of its epoch.
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, "optimizer.learningRate=1000", "optimizer.clipNorm=0", "optimizer.kind=sgd", "schedule.kind=constant", "schedule.warmUpEpochs=0", "accumulation=12", "epochs=50", "attention.kind=exact", "attention.quantization=full", "ema=0");
        Assert.Throws<NonFiniteException>(() => new TrainingRun(configuration).Run(resume: false, TestContext.Current.CancellationToken));
        foreach (string path in Directory.GetFiles(folder["run"], "*.safetensors", SearchOption.AllDirectories).Where(static path => !path.Contains("checkpoints", StringComparison.Ordinal)))
        {
            using var exported = SafeTensorsFile.Open(path);
            Assert.All(exported.Tensors, tensor => Assert.DoesNotContain(exported.ReadSingles(tensor.Name), static value => !float.IsFinite(value)));
        }

        var parameter = new Parameter("p", 2);
        parameter.Values[1] = float.NaN;
        var parameters = new ParameterSet { parameter };
        Assert.Equal("p", Assert.Throws<NonFiniteException>(() => new RunState(parameters, new AdamW(parameters), average: null).Capture()).Layer);
    }

    [Fact]
    public void Folder_WithARunIsRefused_AndAnotherConfigurationToo()
    {
        using var folder = new TemporaryFolder();
        new TrainingRun(SmallRun.Read(folder, "epochs=1")).Run(resume: false, TestContext.Current.CancellationToken);
        Assert.Contains("--resume", Assert.Throws<ArgumentException>(() => new TrainingRun(SmallRun.Read(folder, "epochs=1")).Run(resume: false)).Message, StringComparison.Ordinal);
        Assert.Contains("\"seed\": 1", Assert.Throws<ArgumentException>(() => new TrainingRun(SmallRun.Read(folder, "epochs=1", "seed=2")).Run(resume: true)).Message, StringComparison.Ordinal);
        TrainingResult again = new TrainingRun(SmallRun.Read(folder, "epochs=1")).Run(resume: true, TestContext.Current.CancellationToken);
        Assert.Equal(16, again.Test!.Count);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("log.jsonl")]
    [InlineData("result.json")]
    public void Folder_WithFilesOfOthersIsRefusedUntouched(string name)
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, "epochs=1");
        Directory.CreateDirectory(folder["run"]);
        string mine = Path.Combine(folder["run"], name), other = Path.Combine(folder["run"], "mine.tmp");
        File.WriteAllText(mine, "mine");
        File.WriteAllText(other, "mine");
        foreach (bool resume in (bool[])[false, true])
        {
            Assert.Contains($"holds {name} but no config.json", Assert.Throws<ArgumentException>(() => new TrainingRun(configuration).Run(resume)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(2, Directory.GetFiles(folder["run"]).Length);
        Assert.Equal(("mine", "mine"), (File.ReadAllText(mine), File.ReadAllText(other)));
    }

    [Fact]
    public void Folder_OfAnotherConfigurationKeepsItsFiles_AndOthersAlways()
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, "epochs=1");
        Directory.CreateDirectory(folder["run"]);
        File.WriteAllText(Path.Combine(folder["run"], "config.json"), ConfigurationFile.Text(configuration));
        string half = Path.Combine(folder["run"], $"result.json.{Guid.NewGuid():N}.tmp"), mine = Path.Combine(folder["run"], "notes.tmp");
        File.WriteAllText(half, "half");
        File.WriteAllText(mine, "mine");
        Assert.Throws<ArgumentException>(() => new TrainingRun(configuration with { Seed = 9 }).Run(resume: true));
        Assert.True(File.Exists(half));
        new TrainingRun(configuration).Run(resume: true, TestContext.Current.CancellationToken);
        Assert.Equal((false, true), (File.Exists(half), File.Exists(mine)));
    }

    [Fact]
    public void Run_IsNotContinuedWithOtherPicturesUnderTheSameName()
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder);
        using var cancellation = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => new TrainingRun(configuration) { Progress = progress => Cancel(progress, cancellation) }.Run(resume: false, cancellation.Token));
        byte[] images = File.ReadAllBytes(folder["images"]);
        images[^1] ^= 1;
        File.WriteAllBytes(folder["images"], images);
        Assert.Contains("data.images has changed since", Assert.Throws<ArgumentException>(() => new TrainingRun(configuration).Run(resume: true)).Message, StringComparison.Ordinal);
        images[^1] ^= 1;
        File.WriteAllBytes(folder["images"], images);
        Assert.Equal(16, new TrainingRun(configuration).Run(resume: true, TestContext.Current.CancellationToken).Test!.Count);
    }

    [Fact]
    public void Folder_TakesOneProcessAtATime()
    {
        using var folder = new TemporaryFolder();
        TrainingConfiguration configuration = SmallRun.Read(folder, "epochs=1");
        Directory.CreateDirectory(folder["run"]);
        using (RunLock.Take(new RunFolder(folder["run"])))
        {
            Assert.Contains("another process trains", Assert.Throws<IOException>(() => new TrainingRun(configuration).Run(resume: true)).Message, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(folder["run"], "config.json")));
        }

        Assert.Equal(16, new TrainingRun(configuration).Run(resume: true, TestContext.Current.CancellationToken).Test!.Count);
    }

    [Fact]
    public void Pictures_OfAnotherSizeToSelectByAreRefusedBeforeAnyWork()
    {
        using var folder = new TemporaryFolder();
        string configuration = SmallRun.Write(folder);
        byte[] images = File.ReadAllBytes(folder["images"]);
        (images[11], images[15]) = (16, 4);
        File.WriteAllBytes(folder["others"], images);
        ArgumentException problem = Assert.Throws<ArgumentException>(() => new TrainingRun(ConfigurationFile.Read(configuration, ["data.select.images=" + folder["others"], "data.select.labels=" + folder["labels"]])));
        Assert.Contains("data.select (", problem.Message, StringComparison.Ordinal);
        Assert.Contains("16 x 4 pixels", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Result_WithALossThatIsNotFinite_IsWrittenAndRead()
    {
        using var folder = new TemporaryFolder();
        ResultFile.Write(folder["result.json"], new TrainingResult { BestStep = 3, Test = new() { Count = 2, Correct = 1, Loss = double.NaN, Confusion = [[1, 1], [0, 0]] } });
        TrainingResult read = ResultFile.Read(folder["result.json"]);
        Assert.Equal((3L, 1, double.NaN), (read.BestStep, read.Test!.Correct, read.Test.Loss));
    }

    [Fact]
    public void Checkpoint_AndTeacherAreUsed()
    {
        using TemporaryFolder first = new(), second = new();
        new TrainingRun(SmallRun.Read(first, "attention.kind=exact", "attention.quantization=full", "attention.bias=none")).Run(resume: false, TestContext.Current.CancellationToken);
        string model = Path.Combine(first["run"], "model.safetensors").Replace('\\', '/');
        TrainingConfiguration configuration = SmallRun.Read(second, [.. SmallRun.Plain, $"model.checkpoint={model}", $"loss.teacher={model}", "loss.distillation=hard", "attentionOnly=true", "epochs=2"]);
        var run = new TrainingRun(configuration);
        Assert.InRange(run.TrainableCount, 1, run.ParameterCount - 1);
        Assert.True(run.Run(resume: false, TestContext.Current.CancellationToken).Test!.Accuracy > 0.8);
    }

    [Fact]
    public void Trial_WritesNothing()
    {
        using var folder = new TemporaryFolder();
        TrainingTrial trial = new TrainingRun(SmallRun.Read(folder)).Try(TestContext.Current.CancellationToken);
        Assert.True(trial.PeakActivationBytes > 10_000 && trial.StateBytes > 10_000 && trial.StepTime > TimeSpan.Zero);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Theory]
    [InlineData("data.train.count=100", "data.train takes 100 pictures from 0 on")]
    [InlineData("data.test.first=80", "data.test takes all pictures from 80 on")]
    [InlineData("data.select.first=47", "data.train takes the pictures 0 to 47 of")]
    [InlineData("data.select.count=17", "64 to 64 are in both")]
    [InlineData("data.train.count=0", "data.select 48 to 63: 48 to 63 are in both")]
    [InlineData("batch=64", "batch is 64 and accumulation 2, but there are only 48 pictures")]
    [InlineData("model.classes=1", "data.train holds class 1; the model has classes 0 to 0")]
    [InlineData("model.imageSize=12", "A picture has 8 x 8 pixels of 1 channels; the model takes 12 x 12")]
    [InlineData("data.mean=[0.5,0.5,0.5]", "data.mean has 3 numbers")]
    public void Misfits_AreRefusedBeforeAnyWork(string change, string message)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => new TrainingRun(SmallRun.Read(folder, change))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    private static void Cancel(TrainingProgress progress, CancellationTokenSource cancellation)
    {
        if (progress.Step == 15)
        {
            cancellation.Cancel();
        }
    }
}
