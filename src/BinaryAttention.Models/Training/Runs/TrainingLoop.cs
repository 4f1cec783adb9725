// The steps of a run. At the end of an epoch, in this order: measure and choose, export, log, checkpoint; killed between any two of them, a run does the rest again with the same outcome.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Training.Schedules;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class TrainingLoop(
    TrainingConfiguration configuration, TrainableVisionTransformer network, TrainableVisionTransformer? teacher, TrainingData data, BatchMaker batches, Optimizer optimizer,
    ExponentialMovingAverage? average, RunState state, CheckpointStore store, TrainingLog log, RunFolder folder, int threads)
{
    private readonly TrainingStep _step = new(configuration, network, teacher, new Workspace(threads));
    private readonly ILearningRateSchedule _schedule = OptimizerFactory.Schedule(configuration.Schedule, configuration.Optimizer.LearningRate, configuration.Epochs);
    private readonly SelectionLabels _selection = new(data, teacher, threads);
    private readonly long _batchesPerEpoch = batches.Plan.BatchesPerEpoch;
    private long _started, _startBatch;

    public Action<TrainingProgress>? Progress { get; init; }

    private long AllBatches => _batchesPerEpoch * configuration.Epochs;

    private long StepsPerEpoch => _batchesPerEpoch / configuration.Accumulation;

    public TrainingPosition Run(TrainingPosition position, CancellationToken cancellationToken)
    {
        (_started, _startBatch) = (Stopwatch.GetTimestamp(), position.Batch);
        using var loader = new BatchLoader(batches, position.Batch, AllBatches, configuration.Data.Workers);
        long saved = position.Step;
        if (position.EpochBatches > 0 && position.Batch % _batchesPerEpoch == 0)
        {
            // The run was cancelled while it measured.
            position = EndEpoch(position, Report(position, RateOf(position.Step - 1)), cancellationToken);
        }

        while (position.Batch < AllBatches)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                if (saved != position.Step)
                {
                    Save(position);
                }

                cancellationToken.ThrowIfCancellationRequested();
            }

            double rate = RateOf(position.Step), loss = 0;
            for (int i = 0; i < configuration.Accumulation; i++)
            {
                // Not cancelled here: a step is whole or not begun.
                (double batchLoss, int correct) = _step.Accumulate(loader.Next(CancellationToken.None));
                loss += batchLoss / configuration.Accumulation;
                position = position with { Batch = position.Batch + 1, EpochLoss = position.EpochLoss + batchLoss, EpochCorrect = position.EpochCorrect + correct, EpochBatches = position.EpochBatches + 1 };
            }

            double norm = Apply(rate);
            position = position with { Step = position.Step + 1 };
            TrainingProgress progress = Report(position, rate);
            if (position.Step % configuration.LogSteps == 0)
            {
                LogStep(position, progress, loss, norm);
            }

            Progress?.Invoke(progress);
            if (position.Batch % _batchesPerEpoch == 0)
            {
                position = EndEpoch(position, progress, cancellationToken);
                saved = position.Step;
            }
            else if (configuration.CheckpointSteps > 0 && position.Step % configuration.CheckpointSteps == 0)
            {
                Save(position);
                saved = position.Step;
            }
        }

        return position;
    }

    private double Apply(double rate)
    {
        double norm = configuration.Optimizer.ClipNorm > 0 ? GradientClipping.ClipGlobalNorm(network.Parameters, configuration.Optimizer.ClipNorm) : double.NaN;
        optimizer.Step(rate, _step.Workspace);
        network.Parameters.ZeroGradients();
        average?.Update();
        return norm;
    }

    private TrainingPosition EndEpoch(TrainingPosition position, TrainingProgress progress, CancellationToken cancellationToken)
    {
        Measurement? selection;
        TrainingPosition before = position;
        state.RequireFinite();
        try
        {
            (selection, position) = MeasureAndChoose(position, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Save(before);
            throw;
        }

        progress = progress with { Selection = selection, IsEndOfEpoch = true, IsBest = position.BestStep == position.Step };
        LogEpoch(position, progress, selection);
        position = position with { EpochLoss = 0, EpochCorrect = 0, EpochBatches = 0 };
        Save(position);
        Progress?.Invoke(progress);
        return position;
    }

    private (Measurement? Selection, TrainingPosition Position) MeasureAndChoose(TrainingPosition position, CancellationToken cancellationToken)
    {
        average?.Swap();
        try
        {
            // The moving average stands in the weights' place here.
            state.RequireFinite();
            Measurement? selection = data.Select is { } pictures
                ? ModelMeasurer.Measure(network.ToInference(), pictures, data.Pipeline, threads, _selection.For(cancellationToken), cancellationToken)
                : null;
            if (selection is not null && !double.IsFinite(selection.Loss))
            {
                throw new NonFiniteException("select", $"The loss on the pictures to select by is {selection.Loss} after step {position.Step}.");
            }

            if (selection is null || selection.Accuracy > position.BestAccuracy)
            {
                position = position with { BestStep = position.Step, BestAccuracy = selection?.Accuracy ?? -1 };
                ModelExport.Write(folder.ModelPath, network, AttentionName(configuration.Attention), position.Step);
            }

            return (selection, position);
        }
        finally
        {
            average?.Swap();
        }
    }

    private void Save(TrainingPosition position)
    {
        List<StateTensor> tensors = state.Capture();

        // After a power cut the log must not lack lines that the checkpoint stands behind.
        log.FlushToDisk();
        store.Save(position, tensors);
    }

    private double RateOf(long step) => _schedule.At((double)step / StepsPerEpoch);

    private static string AttentionName(AttentionSection section) => section.Kind == "exact" ? "exact" : $"{section.Kind} {section.Weighting} {section.Quantization}";

    private TrainingProgress Report(TrainingPosition position, double rate)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_started);
        long done = position.Batch - _startBatch;
        return new TrainingProgress
        {
            Step = position.Step,
            Steps = StepsPerEpoch * configuration.Epochs,
            Epoch = (int)((position.Batch - 1) / _batchesPerEpoch) + 1,
            Loss = position.EpochLoss / position.EpochBatches,
            TrainAccuracy = data.Train.HasLabels ? (double)position.EpochCorrect / (position.EpochBatches * configuration.Batch) : double.NaN,
            LearningRate = rate,
            ImagesPerSecond = done * configuration.Batch / elapsed.TotalSeconds,
            Remaining = done == 0 ? TimeSpan.Zero : elapsed * ((double)(AllBatches - position.Batch) / done),
        };
    }

    private void LogStep(TrainingPosition position, TrainingProgress progress, double loss, double norm) => log.Write("step", position.Step, writer =>
    {
        writer.WriteNumber("epoch", progress.Epoch);
        writer.WriteNumber("loss", loss);
        WriteCommon(writer, progress);
        if (double.IsFinite(norm))
        {
            writer.WriteNumber("gradientNorm", norm);
        }

        WriteProcess(writer, progress);
    });

    private void LogEpoch(TrainingPosition position, TrainingProgress progress, Measurement? selection) => log.Write("epoch", position.Step, writer =>
    {
        writer.WriteNumber("epoch", progress.Epoch);
        WriteCommon(writer, progress);
        if (selection is not null)
        {
            writer.WriteNumber("selectLoss", selection.Loss);
            writer.WriteNumber("selectAccuracy", selection.Accuracy);
            writer.WriteNumber("bestAccuracy", position.BestAccuracy);
        }

        WriteProcess(writer, progress);
    });

    private static void WriteCommon(Utf8JsonWriter writer, TrainingProgress progress)
    {
        writer.WriteNumber("epochLoss", progress.Loss);
        if (double.IsFinite(progress.TrainAccuracy))
        {
            writer.WriteNumber("trainAccuracy", progress.TrainAccuracy);
        }

        writer.WriteNumber("learningRate", progress.LearningRate);
    }

    // What differs from process to process stands last.
    private void WriteProcess(Utf8JsonWriter writer, TrainingProgress progress)
    {
        writer.WriteString("imagesPerSecond", progress.ImagesPerSecond.ToString("F1", CultureInfo.InvariantCulture));
        writer.WriteString("peakMegabytes", (_step.Workspace.Buffers.PeakBytes / 1e6).ToString("F1", CultureInfo.InvariantCulture));
    }
}
