// evaluate: accuracy of a model on a folder of labelled pictures, and its agreement with exact attention on the same pictures.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Commands;

internal static class EvaluateCommand
{
    private const int TopCount = 5;

    public static Command Create(CliContext context)
    {
        var model = new Option<string>("--model") { Description = "A ViT or DeiT checkpoint.", Required = true, HelpName = "FILE" };
        var images = new Option<string>("--images") { Description = "The folder of pictures.", Required = true, HelpName = "DIR" };
        var labels = new Option<string>("--labels") { Description = "CSV with two columns, file,label: class indices from 0.", Required = true, HelpName = "FILE" };
        Option<string?> mean = Channels("--mean", "Mean of red, green and blue in units of 0..1; ImageNet's if left out.");
        Option<string?> deviation = Channels("--std", "Standard deviation of red, green and blue; ImageNet's if left out.");
        Option<int> resize = CommonOptions.Positive("--resize", "Pixels of the shorter side before cropping.", 256);
        Option<int> crop = CommonOptions.Positive("--crop", "Pixels a side of the square the model sees.", 224);
        Option<string> attention = CommonOptions.Choice("--attention", "Which attention to measure.", AttentionModes.ExactName, AttentionModes.ExactName, AttentionModes.NaiveBinaryName);
        Option<string> quantization = CommonOptions.Choice("--quantization", "How naive-binary holds probabilities and values.", "full", "full", "tiled", "training-parity");
        Option<int> threads = CommonOptions.Positive("--threads", "Threads the model may use.", Environment.ProcessorCount);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("evaluate", "Measure accuracy on a folder of labelled pictures.") { model, images, labels, mean, deviation, resize, crop, attention, quantization, threads, json };
        command.SetAction(parsed =>
        {
            ImagePreprocessing preprocessing = Preprocessing(
                parsed.GetValue(resize), parsed.GetValue(crop), ChannelValues(mean.Name, parsed.GetValue(mean)), ChannelValues(deviation.Name, parsed.GetValue(deviation), areDivisors: true));
            string modelPath = InputPaths.File(parsed.GetRequiredValue(model), "--model");
            string labelsPath = InputPaths.File(parsed.GetRequiredValue(labels), "--labels");
            LabelledImageFolder folder = LabelledImageFolder.Open(InputPaths.Folder(parsed.GetRequiredValue(images), "--images"), labelsPath);
            AttentionMode mode = AttentionModes.Parse(parsed.GetValue(attention)!);
            EvaluationTotals totals = Run(context, modelPath, folder, labelsPath, preprocessing, mode, CommonOptions.Quantization(parsed.GetValue(quantization)!), parsed.GetValue(threads));
            if (totals.Images == 0)
            {
                throw new BadInputException($"none of the {totals.Unreadable} pictures could be read; there is nothing to report.");
            }

            Report(context, totals, mode, parsed.GetValue(json), folder.SkippedCount);
            return totals.Unreadable == 0 ? ExitCodes.Success : ExitCodes.BadInput;
        });
        ExampleHelpAction.Attach(command, """
            Accuracies are fractions of 0..1. Agreement is the share of pictures on which exact attention names the same class first. naive-binary keeps
            only the signs of queries and keys, with per-head means and no calibration: naive for a model trained with exact attention; the model's own attention
            for a checkpoint with relative-position tables, which was trained with one-bit attention. Milliseconds are those of the network alone, without reading
            and resizing. A damaged picture is reported on standard error, left out of every figure and counted as "unreadable"; the exit code is then 2.

            Examples:
              binattn evaluate --model model.safetensors --images val --labels val/labels.csv
              binattn evaluate --model model.safetensors --images val --labels labels.csv --attention naive-binary --quantization tiled --json
            """);
        return command;
    }

    private static EvaluationTotals Run(
        CliContext context, string modelPath, LabelledImageFolder folder, string labelsPath, ImagePreprocessing preprocessing, AttentionMode mode, ValueQuantization quantization, int threads)
    {
        Recognizer[] recognizers = Recognizer.Load(modelPath, quantization, threads, mode, AttentionMode.Exact);
        (Recognizer measured, Recognizer exact) = (recognizers[0], recognizers[1]);
        measured.RequireInput(preprocessing.CropSize);
        foreach (LabelledImage image in folder.Images)
        {
            if (image.Label >= measured.ClassCount)
            {
                throw new BadInputException($"{labelsPath}: {image.RelativePath} has label {image.Label}, but the model has {measured.ClassCount} classes, 0 to {measured.ClassCount - 1}. Check that labels and model belong together.");
            }
        }

        foreach (LabelledImage image in folder.Images)
        {
            InputPaths.File(image.Path, "picture");
        }

        measured.WarmUp(context.Cancellation);
        var totals = new EvaluationTotals { IsTrainedOneBit = measured.IsTrainedOneBit };
        ProgressReport.Run(context, "evaluating", folder.Images.Count, advance =>
        {
            foreach (LabelledImage image in folder.Images)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                float[] pixels;
                try
                {
                    pixels = PictureReader.Read(image.Path, preprocessing);
                }
                catch (FileFormatException problem)
                {
                    // Hours of finished work are worth more than one picture.
                    context.Report(PlainMessage.Of(problem));
                    totals.AddUnreadable();
                    advance();
                    continue;
                }

                long read = Stopwatch.GetTimestamp();
                int[] best = Predictions.TopIndices(measured.Logits(pixels, context.Cancellation), TopCount);
                long answered = Stopwatch.GetTimestamp();
                int exactBest = mode == AttentionMode.Exact ? best[0] : Predictions.TopIndices(exact.Logits(pixels, context.Cancellation), 1)[0];
                totals.Add(image.Label, best, exactBest, Stopwatch.GetElapsedTime(read, answered).TotalMilliseconds, Stopwatch.GetElapsedTime(start, read).TotalMilliseconds);
                advance();
            }
        });
        return totals;
    }

    private static void Report(CliContext context, EvaluationTotals totals, AttentionMode mode, bool json, int skipped)
    {
        if (skipped > 0)
        {
            context.Warn(string.Create(CultureInfo.InvariantCulture, $"{skipped} lines of the labels name files outside the images folder and were left out."));
        }

        if (json)
        {
            JsonLine.Write(context.Output, writer => Write(writer, totals, mode));
            return;
        }

        NumberTable.Write(
            Terminal.ForOutput(context),
            string.Create(CultureInfo.InvariantCulture, $"{totals.Images} pictures{(totals.Unreadable > 0 ? $" ({totals.Unreadable} unreadable left out)" : string.Empty)}, {AttentionModes.TitleOf(mode, totals.IsTrainedOneBit)} attention"),
            [">top-1 %", ">top-5 %", ">agreement with exact %", ">ms per picture", ">reading ms per picture"],
            [[
                Percent(totals.Top1), Percent(totals.Top5), Percent(totals.Agreement),
                totals.MillisecondsPerImage.ToString("F2", CultureInfo.InvariantCulture), totals.ReadingMillisecondsPerImage.ToString("F2", CultureInfo.InvariantCulture),
            ]]);
        if (totals.IsTrainedOneBit)
        {
            context.Output.WriteLine(AttentionModes.TrainedOneBitRemark);
        }
    }

    private static void Write(Utf8JsonWriter writer, EvaluationTotals totals, AttentionMode mode)
    {
        writer.WriteNumber("images", totals.Images);
        writer.WriteNumber("unreadable", totals.Unreadable);
        writer.Number("top1", totals.Top1);
        writer.Number("top5", totals.Top5);
        writer.Number("agreement", totals.Agreement);
        writer.Number("millisecondsPerImage", totals.MillisecondsPerImage, 4);
        writer.Number("readingMillisecondsPerImage", totals.ReadingMillisecondsPerImage, 4);
        writer.WriteString("attention", AttentionModes.NameOf(mode));
    }

    private static string Percent(double fraction) => (100 * fraction).ToString("F2", CultureInfo.InvariantCulture);

    private static Option<string?> Channels(string name, string description) => new(name) { Description = description, HelpName = "r,g,b" };

    private static ImagePreprocessing Preprocessing(int resize, int crop, float[]? mean, float[]? deviation)
    {
        if (crop > ImagePreprocessing.MaxCropSize)
        {
            throw new BadInputException($"--crop is {crop}; at most {ImagePreprocessing.MaxCropSize} is expected.");
        }

        return crop <= resize
            ? new ImagePreprocessing(resize, crop, mean, deviation)
            : throw new BadInputException($"--crop is {crop}, which does not fit into a shorter side of --resize {resize}. Give --resize {crop} or more, or a smaller --crop.");
    }

    private static float[]? ChannelValues(string name, string? text, bool areDivisors = false)
    {
        if (text is null)
        {
            return null;
        }

        string[] parts = text.Split(',');
        var values = new float[3];
        for (int i = 0; i < 3; i++)
        {
            if (parts.Length != 3 || !float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]) || !float.IsFinite(values[i]))
            {
                throw new BadInputException($"{name} is \"{text}\"; three numbers separated by commas are expected, such as 0.485,0.456,0.406.");
            }
        }

        return areDivisors && Array.Exists(values, value => value <= 0)
            ? throw new BadInputException($"{name} is \"{text}\"; three numbers above 0 are expected, pixels are divided by them.")
            : values;
    }
}
