// One run as the user sees it: what it is, its progress, what it came to.
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Runs;

namespace BinaryAttention.Cli.Training;

internal sealed class TrainingSession
{
    private readonly CliContext _context;
    private readonly TrainingConfiguration _configuration;
    private readonly bool _asJson;
    private readonly TrainingRun _run;

    public TrainingSession(CliContext context, TrainingConfiguration configuration, bool asJson)
    {
        (_context, _configuration, _asJson) = (context, configuration, asJson);
        var lines = new ProgressLines(context);
        _run = new TrainingRun(configuration) { Progress = lines.Show, Message = message => context.Error.WriteLine($"binattn: {message}") };
    }

    /// <summary>Says what the run would be; writes nothing.</summary>
    public void Describe()
    {
        TrainingTrial trial = _run.Try(_context.Cancellation);
        (int train, int select, int test) = _run.PictureCounts;
        TimeSpan all = trial.StepTime * _run.Steps;
        if (_asJson)
        {
            JsonLine.Write(_context.Output, writer =>
            {
                writer.WriteString("output", _configuration.Output);
                writer.WriteNumber("seed", _configuration.Seed);
                writer.WriteNumber("parameters", _run.ParameterCount);
                writer.WriteNumber("trainable", _run.TrainableCount);
                writer.WriteNumber("tokens", _run.Model.TokenCount);
                writer.WriteNumber("trainPictures", train);
                writer.WriteNumber("selectPictures", select);
                writer.WriteNumber("testPictures", test);
                writer.WriteNumber("steps", _run.Steps);
                writer.WriteNumber("stepsPerEpoch", _run.StepsPerEpoch);
                writer.Number("stepMilliseconds", trial.StepTime.TotalMilliseconds, 2);
                writer.WriteNumber("activationBytes", trial.PeakActivationBytes);
                writer.WriteNumber("stateBytes", trial.StateBytes);
            });
            return;
        }

        NumberTable.Write(Terminal.ForOutput(_context), $"run in {_configuration.Output}", ["", ">"],
        [
            ["parameters", Whole(_run.ParameterCount)],
            ["of them trained", Whole(_run.TrainableCount)],
            ["tokens a picture", Whole(_run.Model.TokenCount)],
            ["pictures to train on", Whole(train)],
            ["to select by", Whole(select)],
            ["to test with", Whole(test)],
            ["steps", Whole(_run.Steps)],
            ["ms a step, one thread preparing", trial.StepTime.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture)],
            ["minutes of steps, about", all.TotalMinutes.ToString("F1", CultureInfo.InvariantCulture)],
            ["MB between layers, peak", Megabytes(trial.PeakActivationBytes)],
            ["MB of weights and optimiser", Megabytes(trial.StateBytes)],
        ]);
        _context.Output.WriteLine("Nothing was written.");
    }

    /// <summary>Trains to the end.</summary>
    public void Run(bool resume)
    {
        TrainingResult result;
        try
        {
            result = _run.Run(resume, _context.Cancellation);
        }
        catch (NonFiniteException problem)
        {
            throw new InvalidOperationException($"training stopped at {problem.Layer}: {problem.Message} The last checkpoint in {_run.Folder.CheckpointsFolder} is kept. A lower optimizer.learningRate or another optimizer.clipNorm needs a run in another output; its model.checkpoint may be {_run.Folder.ModelPath}.", problem);
        }
        catch (OperationCanceledException)
        {
            _context.Error.WriteLine($"binattn: stopped; continue with --resume. The run is in {_configuration.Output}.");
            throw;
        }

        if (_asJson)
        {
            JsonLine.Write(_context.Output, writer =>
            {
                writer.WriteString("output", _configuration.Output);
                writer.WriteNumber("seed", _configuration.Seed);
                writer.WriteString("attention", _configuration.Attention.Kind);
                writer.WriteNumber("parameters", result.ParameterCount);
                writer.WriteNumber("bestStep", result.BestStep);
                writer.Number("selectAccuracy", result.SelectAccuracy < 0 ? double.NaN : result.SelectAccuracy);
                writer.Number("testAccuracy", result.Test?.Accuracy ?? double.NaN);
                writer.Number("testLoss", result.Test?.Loss ?? double.NaN, 6);
                writer.WriteNumber("testPictures", result.Test?.Count ?? 0);
            });
            return;
        }

        if (result.SelectAccuracy >= 0)
        {
            _context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"selected: step {result.BestStep}, {100 * result.SelectAccuracy:F2} % right on the pictures to select by"));
        }

        if (result.Test is { } test)
        {
            _context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"test: {100 * test.Accuracy:F2} % right ({test.Correct} of {test.Count})"));
        }

        _context.Output.WriteLine($"model: {_run.Folder.ModelPath}");
    }

    private static string Whole(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture);
}
