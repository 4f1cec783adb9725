// A training run from its configuration to its result: set up, continue from the newest whole checkpoint, train, measure, choose, export, test once.
using System.Diagnostics;
using BinaryAttention.Formats;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Runs;

/// <summary>
/// One training run in a folder (<see cref="RunFolder"/>). Killed at any moment, it continues from its last checkpoint to the same bits as if nothing had happened. After every epoch the network is measured on the
/// pictures to select by, with the kernels of inference; the best weights are exported, and in the end measured once on the test pictures.
/// </summary>
public sealed class TrainingRun
{
    private readonly TrainingConfiguration _configuration;
    private readonly TrainableVisionTransformer _network;
    private readonly TrainableVisionTransformer? _teacher;
    private readonly TrainingData _data;
    private readonly BatchMaker _batches;
    private readonly int _threads;

    /// <summary>Opens pictures and checkpoints and checks that everything fits; writes nothing.</summary>
    /// <param name="configuration">What to do.</param>
    /// <exception cref="ArgumentException">Something does not fit; the message says what.</exception>
    /// <exception cref="FileFormatException">A file is damaged.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public TrainingRun(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ConfigurationChecks.Check(configuration);
        _configuration = configuration;
        Folder = new RunFolder(configuration.Output);
        _threads = configuration.Threads == 0 ? Environment.ProcessorCount : configuration.Threads;
        _network = NetworkFactory.Create(configuration);
        _teacher = NetworkFactory.Teacher(configuration);
        _data = new TrainingData(configuration.Data, configuration.Augmentation, _network.Configuration);
        var randomness = new Randomness(configuration.Seed);
        var plan = new BatchPlan(randomness, _data.Train.Count, configuration.Batch, configuration.Augmentation.Repeats, configuration.Accumulation);
        _batches = new BatchMaker(_data.Train, _data.Pipeline, plan, _data.Augmentation, randomness, _network.Configuration.ClassCount, configuration.Loss.LabelSmoothing);
        RequireLabels();
        TeacherLessons.RequireFit(_network, _teacher, configuration.Loss);
    }

    /// <summary>Where the run's files are.</summary>
    public RunFolder Folder { get; }

    /// <summary>The sizes of the network.</summary>
    public VisionTransformerConfiguration Model => _network.Configuration;

    /// <summary>Numbers of the network.</summary>
    public long ParameterCount => _network.Parameters.TotalCount;

    /// <summary>Those that are trained.</summary>
    public long TrainableCount => _network.Parameters.Where(static parameter => parameter.IsTrainable).Sum(static parameter => (long)parameter.Length);

    /// <summary>Steps of the optimiser in an epoch.</summary>
    public long StepsPerEpoch => _batches.Plan.BatchesPerEpoch / _configuration.Accumulation;

    /// <summary>Steps of the whole run.</summary>
    public long Steps => StepsPerEpoch * _configuration.Epochs;

    /// <summary>Pictures to train on, to select by and to test with.</summary>
    public (int Train, int Select, int Test) PictureCounts => (_data.Train.Count, _data.Select?.Count ?? 0, _data.Test?.Count ?? 0);

    /// <summary>Told after every step of the optimiser and every epoch.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Told what happens besides, such as damaged checkpoints.</summary>
    public Action<string>? Message { get; init; }

    /// <summary>Computes one step and forgets it: what the run will need. The run's own numbers are not touched.</summary>
    /// <param name="cancellationToken">Checked between batches.</param>
    public TrainingTrial Try(CancellationToken cancellationToken = default)
    {
        TrainableVisionTransformer network = NetworkFactory.Create(_configuration);
        Optimizer optimizer = OptimizerFactory.Create(_configuration.Optimizer, network.Parameters);
        var step = new TrainingStep(_configuration, network, _teacher, new Workspace(_threads));
        long watch = 0;
        for (int turn = 0; turn < 2; turn++)
        {
            // The first turn compiles and fills the pools.
            watch = Stopwatch.GetTimestamp();
            for (int i = 0; i < _configuration.Accumulation; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                step.Accumulate(_batches.Make(i));
            }

            optimizer.Step(0, step.Workspace);
        }

        return new TrainingTrial(Stopwatch.GetElapsedTime(watch), step.Workspace.Buffers.PeakBytes, 4 * (ParameterCount * (_configuration.Ema > 0 ? 3 : 2)) + (4 * optimizer.States.Sum(static state => (long)state.Values.Length)));
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="resume">Whether a run that the folder holds is continued; a new one wants a folder without one.</param>
    /// <param name="cancellationToken">Checked between steps; a checkpoint is written before the exception leaves.</param>
    /// <returns>What the run came to; of a finished run, what it had come to.</returns>
    /// <exception cref="ArgumentException">The folder holds a run although none is to be continued, one of another configuration, or files of the names that a run writes.</exception>
    /// <exception cref="IOException">Another process trains in the folder, or a file cannot be read or written.</exception>
    /// <exception cref="NonFiniteException">A loss, a gradient or a weight is not finite; the last checkpoint and the best model are kept.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; it can be continued.</exception>
    public TrainingResult Run(bool resume, CancellationToken cancellationToken = default)
    {
        if (resume && Folder.Exists && Folder.IsFinished)
        {
            // A finished run is only read: its folder may be read-only.
            RunStart.Check(Folder, _configuration, resume);
            return Finished();
        }

        using RunLock taken = RunStart.Prepare(Folder, _configuration, resume);
        if (Folder.IsFinished)
        {
            return Finished();
        }

        RunInputs.Require(Folder, _configuration);
        Optimizer optimizer = OptimizerFactory.Create(_configuration.Optimizer, _network.Parameters);
        ExponentialMovingAverage? average = _configuration.Ema > 0 ? new ExponentialMovingAverage(_network.Parameters, _configuration.Ema) : null;
        var state = new RunState(_network.Parameters, optimizer, average);
        var store = new CheckpointStore(Folder.CheckpointsFolder, _configuration.Accumulation);
        TrainingPosition position = TrainingPosition.Start;
        if (store.LoadLatest(message => Message?.Invoke(message)) is { } stored)
        {
            state.Restore(stored, Folder.CheckpointsFolder);
            position = stored.Position;
            Message?.Invoke($"continues behind step {position.Step} of {Steps}.");
        }

        using var log = TrainingLog.Open(Folder.LogPath, position.Step, isInsideEpoch: position.EpochBatches > 0);
        var loop = new TrainingLoop(_configuration, _network, _teacher, _data, _batches, optimizer, average, state, store, log, Folder, _threads) { Progress = Progress };
        position = loop.Run(position, cancellationToken);
        Measurement? test = null;
        if (_data.Test is { } pictures)
        {
            // As `binattn evaluate` would: the exported file, loaded anew.
            VisionTransformer model = VisionTransformer.Load(Folder.ModelPath, options: new VisionTransformerOptions { Attention = _network.Options.Attention });
            test = ModelMeasurer.Measure(model, pictures, _data.Pipeline, _threads, labels: null, cancellationToken);
        }

        var result = new TrainingResult { BestStep = position.BestStep, SelectAccuracy = position.BestAccuracy, Test = test, ParameterCount = ParameterCount };
        ResultFile.Write(Folder.ResultPath, result);
        return result;
    }

    private TrainingResult Finished()
    {
        Message?.Invoke($"the run in {Folder.Folder} is finished.");
        return ResultFile.Read(Folder.ResultPath);
    }

    // The configuration alone does not say it: the training pictures may be others than those that data.labels belongs to.
    private void RequireLabels()
    {
        LossSection loss = _configuration.Loss;
        if (!_data.Train.HasLabels && (_teacher is null || loss.Distillation == "none" || loss.DistillationShare < 1 || loss.LabelSmoothing > 0))
        {
            throw new ArgumentException($"data.train ({_data.Train.Name}) has no labels: loss.teacher, loss.distillation \"soft\" or \"hard\", loss.distillationShare 1 and loss.labelSmoothing 0 are expected. Give its labels, or set these.");
        }
    }
}
