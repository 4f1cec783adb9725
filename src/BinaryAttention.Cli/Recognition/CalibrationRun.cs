// One calibration from files to files: load, fit, choose layers to keep exact, measure, write. Nothing is written before all of it is known.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Reports;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal sealed class CalibrationRun(CliContext context, CalibrationInput input, ParseResult parsed)
{
    // Photographs on the page, and pictures that decide which layers stay exact: neither needs many.
    private const int PagePictures = 3, SearchPictures = 24;

    public required string ModelPath { get; init; }

    public required CalibrationFiles Files { get; init; }

    public required CheckpointOptions Checkpoint { get; init; }

    public required TensorElementType CodeType { get; init; }

    public required CalibrationOptions Options { get; init; }

    public required LayerChoice ExactLayers { get; init; }

    public required LayerChoice EightBitLayers { get; init; }

    public required int FitCount { get; init; }

    public required int TestCount { get; init; }

    public required bool AsJson { get; init; }

    public int Run()
    {
        Files.Probe();
        using var file = TensorFile.OpenBelow(ModelPath, Checkpoint.Prefix);
        CheckpointOptions below = Checkpoint with { Prefix = null };
        WeightSource weights = WeightSource.FromTensorFile(file, ModelPath);
        Recognizer recognizer = Recognizer.Load(ModelPath, Checkpoint, null, LinearPrecision.Float32, Options.MaxDegreeOfParallelism ?? Environment.ProcessorCount, CpuAttentionBackend.Instance, AttentionMode.Exact)[0];
        VisionTransformer model = recognizer.Model;
        if (model.Configuration.Calibration is not null)
        {
            throw new BadInputException($"{ModelPath} is calibrated already. Calibrate the original model.");
        }

        RequireLayersLeft(model.Configuration.Depth);
        if (Options.Rank >= model.Configuration.HeadDimension)
        {
            throw new BadInputException($"--rank is {Options.Rank}; less than the {model.Configuration.HeadDimension} channels of a head is expected.");
        }

        CalibrationPictures pictures = input.Open(parsed, recognizer, FitCount, TestCount);
        if (pictures.Fit.Length < VisionTransformerCalibrator.MinImages)
        {
            throw new BadInputException($"there are {pictures.Fit.Length} pictures to fit on; at least {VisionTransformerCalibrator.MinImages} are expected, 64 to 128 are good.");
        }

        if (pictures.HasLabels)
        {
            Evaluation.RequireLabels(pictures.Set, recognizer.ClassCount);
        }

        long start = Stopwatch.GetTimestamp();
        var progress = CalibrationProgress.Open(Files.Output, CalibrationProgress.Key(ModelPath, Checkpoint.ToString(), Options, pictures, Tool), Files.MayReplace);
        ModelCodes codes = KeepSensitive(Fit(model, weights, below, pictures, progress), model, weights, below, pictures);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        VisionTransformer calibrated = VisionTransformer.Load(codes.ApplyTo(weights, below), model.Configuration with { Calibration = codes.Form }, model.Options with { Attention = AttentionChoice.All(LayerAttention.Calibrated) });
        VisionTransformer naive = model.With(model.Options with { Attention = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) });
        (CalibrationOutcome[] outcomes, CalibrationPictures measured) = CalibrationOutcome.Measure(context, pictures, [("exact", model), ("naive one-bit", naive), ("calibrated one-bit", calibrated)]);
        string? page = Files.Page is null ? null : Page(model, weights, below, codes, measured, outcomes);
        context.Cancellation.ThrowIfCancellationRequested();
        Files.Write(CalibratedCheckpoint.Tensors(file, codes, CodeType), CalibratedCheckpoint.Metadata(file, model.Configuration, codes, pictures.Digest, Tool), page);
        progress.Complete();
        CalibrationOutput.Write(context, AsJson, codes, outcomes, measured, Files.Output, Files.Page, seconds);
        return ExitCodes.Success;
    }

    private static string Tool => $"binattn {typeof(Attention).Assembly.GetName().Version?.ToString(3) ?? "unknown"}";

    private ModelCodes Fit(VisionTransformer model, WeightSource weights, CheckpointOptions below, CalibrationPictures pictures, CalibrationProgress progress)
    {
        var calibrator = new VisionTransformerCalibrator(model, weights, Options, below);
        long start = Stopwatch.GetTimestamp();
        int done = progress.Done.Count;
        context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"calibrating {calibrator.LayerCount} layers on {pictures.Fit.Length} pictures{(done > 0 ? $", {done} of them done by an earlier run" : string.Empty)}"));
        try
        {
            ModelCodes codes = calibrator.Run(pictures.Fit.Length, index => Read(pictures, pictures.Fit[index], model.Configuration.ChannelCount), Finished, progress.Done, context.Cancellation);
            if (Options.Budget is not null)
            {
                context.Error.WriteLine(codes.Options.Recipe == CalibrationRecipe.ClosedForm ? "within the budget: closed form" : string.Create(CultureInfo.InvariantCulture, $"within the budget: {codes.Options.Steps} steps"));
            }

            return codes;
        }
        catch (OperationCanceledException) when (progress.InWords() is not null)
        {
            context.Error.WriteLine(progress.InWords());
            throw;
        }

        void Finished(LayerCodes layer)
        {
            progress.Add(layer);
            context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"layer {layer.Layer}: KL {layer.NaiveDivergence:F3} -> {layer.Divergence:F3} ({++done} of {calibrator.LayerCount}, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s)"));
        }
    }

    private static float[] Read(CalibrationPictures pictures, int index, int channels)
    {
        float[] pixels = pictures.Set.Read(index);
        return !VisionTransformerCalibrator.IsOfOneColour(pixels, channels) ? pixels : throw new BadInputException($"{pictures.Name(index)} is of one colour; it says nothing about attention. Leave it out.");
    }

    private void RequireLayersLeft(int depth)
    {
        foreach ((LayerChoice choice, string option) in ((LayerChoice, string)[])[(ExactLayers, "--exact-layers"), (EightBitLayers, "--eight-bit-layers")])
        {
            int outside = choice.Layers.FirstOrDefault(layer => layer >= depth, -1);
            if (outside >= 0)
            {
                throw new BadInputException($"{option} names layer {outside}; the model has the layers 0 to {depth - 1}.");
            }

            if (choice.Count + choice.Layers.Length >= depth)
            {
                throw new BadInputException($"{option} is {choice.Count + choice.Layers.Length}; the model has {depth} layers, of which at least one must be left.");
            }
        }

        if (ExactLayers.Count + ExactLayers.Layers.Length + EightBitLayers.Count + EightBitLayers.Layers.Length >= depth)
        {
            throw new BadInputException($"--exact-layers and --eight-bit-layers leave none of the model's {depth} layers to codes. Ask for fewer.");
        }
    }

    // The most sensitive layers stay exact, the next ones run in 8 bits: by the divergence of the model's answers that each layer alone wins back when it is exact.
    private ModelCodes KeepSensitive(ModelCodes codes, VisionTransformer model, WeightSource weights, CheckpointOptions below, CalibrationPictures pictures)
    {
        if (ExactLayers.Count + EightBitLayers.Count == 0)
        {
            return codes;
        }

        VisionTransformer calibrated = VisionTransformer.Load(codes.ApplyTo(weights, below), model.Configuration with { Calibration = codes.Form }, model.Options);
        var search = new SensitivitySearch(calibrated, AttentionChoice.All(LayerAttention.Calibrated), exactLayerCount: 1);
        int[] chosen = EvenSample.Of(pictures.Fit, SearchPictures);
        SensitivityReport? report = null;
        ProgressReport.Run(context, "looking for sensitive layers", chosen.Length * search.RunsPerImage, advance => report = search.Run(chosen.Length, index => pictures.Set.Read(chosen[index]), advance, context.Cancellation));
        LayerSensitivity[] ranked = [.. report!.Layers.Where(layer => codes.Form.Layers.Contains(layer.Layer)).OrderByDescending(static layer => double.IsNaN(layer.Gain) ? double.PositiveInfinity : layer.Gain)];
        foreach (LayerSensitivity layer in ranked[..(ExactLayers.Count + EightBitLayers.Count)])
        {
            context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"layer {layer.Layer}: exact, it wins back {layer.Gain:F4} of {report.AllBinary.Divergence:F4} nats"));
        }

        ModelCodes kept = ExactLayers.Count > 0 ? codes.Without([.. ranked[..ExactLayers.Count].Select(static layer => layer.Layer)]) : codes;
        return EightBitLayers.Count > 0 ? kept.InEightBits([.. ranked.Skip(ExactLayers.Count).Take(EightBitLayers.Count).Select(static layer => layer.Layer)]) : kept;
    }

    private string Page(VisionTransformer model, WeightSource weights, CheckpointOptions below, ModelCodes codes, CalibrationPictures pictures, CalibrationOutcome[] outcomes)
    {
        var shown = new List<CalibrationPicture>();
        foreach (int index in pictures.Preprocessing is null ? [] : EvenSample.Of(pictures.Test, PagePictures))
        {
            float[] pixels = pictures.Set.Read(index);
            shown.Add(new CalibrationPicture(
                pictures.Name(index),
                PhotographPixels.Of(pixels, pictures.Preprocessing!),
                model.Configuration.GridHeight,
                model.Configuration.GridWidth,
                CalibrationMaps.Capture(model, weights, codes, pixels, below, context.Cancellation)));
        }

        return CalibrationPage.Create(new CalibrationReport
        {
            ModelName = Path.GetFileName(ModelPath),
            CommandLine = $"binattn {string.Join(' ', parsed.Tokens.Select(static token => token.Value))}",
            Tool = Tool,
            Codes = codes,
            Measured = CalibrationOutput.InWords(pictures),
            Outcomes = [.. outcomes.Select(static outcome => (outcome.Attention, CalibrationOutput.Percent(outcome.Agreement), outcome.Divergence.ToString("F3", CultureInfo.InvariantCulture), CalibrationOutput.Percent(outcome.Top1)))],
            Pictures = shown,
            PeakMemoryBytes = CalibrationOutput.PeakBytes(),
        });
    }
}
