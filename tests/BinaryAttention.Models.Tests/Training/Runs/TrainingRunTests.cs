using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
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
        Exception problem = Assert.ThrowsAny<Exception>(() => new TrainingRun(configuration).Run(resume: false, TestContext.Current.CancellationToken));
        Assert.True(problem is NonFiniteException { Layer.Length: > 0 } or InvalidOperationException, problem.ToString());
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(folder["run"], "checkpoints"), "*.json"));
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
