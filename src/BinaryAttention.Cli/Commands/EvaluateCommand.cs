// evaluate: accuracy of a model on labelled pictures, a folder of photographs or a pair of IDX files, and its agreement with exact attention on the same pictures.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Commands;

internal static class EvaluateCommand
{
    private const string BothName = "both";

    public static Command Create(CliContext context)
    {
        var model = new Option<string>("--model") { Description = "A ViT or DeiT checkpoint.", Required = true, HelpName = "FILE" };
        var checkpoint = new CheckpointArguments();
        var pictures = new EvaluationInput();
        Option<string> attention = CommonOptions.Choice("--attention", "Which attention to measure; binary is calibrated if the checkpoint is, else naive-binary; both is exact and binary.", AttentionModes.ExactName, AttentionModes.ExactName, AttentionModes.EightBitName, AttentionModes.BinaryName, AttentionModes.NaiveBinaryName, BothName);
        Option<string?> quantization = CommonOptions.OptionalQuantization();
        Option<string> linear = LinearPrecisions.Option();
        Option<int> threads = CommonOptions.Positive("--threads", "Threads the model may use.", Environment.ProcessorCount);
        Option<string> device = CommonOptions.Device();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("evaluate", "Measure accuracy on labelled pictures.") { model };
        pictures.AddTo(command);
        checkpoint.AddTo(command);
        command.Options.Add(attention);
        command.Options.Add(quantization);
        command.Options.Add(linear);
        command.Options.Add(threads);
        command.Options.Add(device);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            pictures.Check(parsed);
            string modelPath = InputPaths.File(parsed.GetRequiredValue(model), "--model");
            var where = DeviceChoice.Read(context, parsed, device, quantization);
            string asked = parsed.GetValue(attention)!;
            AttentionMode[] modes = asked == BothName ? [AttentionMode.Exact, AttentionMode.Binary] : [AttentionModes.Parse(asked)];
            IEvaluationSet set = pictures.Open(parsed, out Action<Recognizer> requireInput, out int skipped);
            Recognizer[] recognizers = Recognizer.Load(
                modelPath, checkpoint.Read(parsed), where.Quantization, LinearPrecisions.Parse(parsed.GetValue(linear)!), parsed.GetValue(threads), where.Backend, modes);
            requireInput(recognizers[0]);
            where.RequireRunnable(recognizers[0], modes);
            EvaluationTotals[] totals = Evaluation.Run(context, set, recognizers, recognizers[0].Reference());
            if (totals[0].Images == 0)
            {
                throw new BadInputException($"none of the {totals[0].Unreadable} pictures could be read; there is nothing to report.");
            }

            Report(context, totals, parsed.GetValue(json), skipped);
            return totals[0].Unreadable == 0 ? ExitCodes.Success : ExitCodes.BadInput;
        });
        ExampleHelpAction.Attach(command, """
            Accuracies are fractions of 0..1. Agreement is the share of pictures on which exact attention with float32 linear layers names the same class first; divergence is the
            mean Kullback-Leibler divergence of the class probabilities from its. int8 runs the blocks' linear layers in 8 bits, but for the projection to a calibrated layer's codes. eight-bit
            rounds queries and keys to 8 bits, with a scale per token: next to exact. naive-binary keeps
            only the signs of queries and keys, with per-head means and no calibration: naive for a model trained with exact attention; the model's own attention
            for a checkpoint with relative-position tables, which was trained with one-bit attention. 'binattn calibrate' makes better ones. Milliseconds are those of the network alone, without reading
            and resizing. A damaged picture is reported on standard error, left out of every figure and counted as "unreadable"; the exit code is then 2.
            Pictures come from --images and --labels, or from --idx-images and --idx-labels, which must hold grey pictures of the size that the model takes.

            Examples:
              binattn evaluate --model model.safetensors --images val --labels val/labels.csv
              binattn evaluate --model model.safetensors --images val --labels labels.csv --attention naive-binary --quantization tiled --json
              binattn evaluate --model model.safetensors --images val --labels labels.csv --attention eight-bit
              binattn evaluate --model model.safetensors --images val --labels labels.csv --linear int8
              binattn evaluate --model model.safetensors --images val --labels labels.csv --attention naive-binary --device cuda
              binattn evaluate --model samples/models/vit_mnist.pt --activation relu --idx-images samples/digits/images.idx3.gz --idx-labels samples/digits/labels.idx1.gz --attention both
            """);
        return command;
    }

    private static void Report(CliContext context, EvaluationTotals[] totals, bool json, int skipped)
    {
        if (skipped > 0)
        {
            context.Warn(string.Create(CultureInfo.InvariantCulture, $"{skipped} lines of the labels name files outside the images folder and were left out."));
        }

        if (json)
        {
            foreach (EvaluationTotals counts in totals)
            {
                JsonLine.Write(context.Output, writer => Write(writer, counts));
            }

            return;
        }

        // A single kind of attention stands in the title, several in a column.
        bool areSeveral = totals.Length > 1;
        EvaluationTotals first = totals[0];
        string title = string.Create(CultureInfo.InvariantCulture, $"{first.Images} pictures{(first.Unreadable > 0 ? $" ({first.Unreadable} unreadable left out)" : string.Empty)}");
        string[] columns = [">top-1 %", ">top-5 %", ">agreement with exact %", ">divergence, nats", ">ms per picture", ">reading ms per picture"];
        NumberTable.Write(
            Terminal.ForOutput(context),
            areSeveral ? title + (first.Linear == LinearPrecision.EightBit ? ", 8-bit linear layers" : string.Empty) : $"{title}, {AttentionModes.TitleOf(first.Mode, first.IsTrainedOneBit)} attention{(first.Linear == LinearPrecision.EightBit ? ", 8-bit linear layers" : string.Empty)}",
            areSeveral ? ["attention", .. columns] : columns,
            [.. totals.Select(counts => areSeveral ? [AttentionModes.TitleOf(counts.Mode, counts.IsTrainedOneBit), .. Cells(counts)] : Cells(counts))]);
        if (first.IsTrainedOneBit)
        {
            context.Output.WriteLine(AttentionModes.TrainedOneBitRemark);
        }
    }

    private static string[] Cells(EvaluationTotals totals) =>
    [
        Percent(totals.Top1), Percent(totals.Top5), Percent(totals.Agreement), totals.Divergence.ToString("F4", CultureInfo.InvariantCulture),
        totals.MillisecondsPerImage.ToString("F2", CultureInfo.InvariantCulture), totals.ReadingMillisecondsPerImage.ToString("F2", CultureInfo.InvariantCulture),
    ];

    private static void Write(Utf8JsonWriter writer, EvaluationTotals totals)
    {
        writer.WriteNumber("images", totals.Images);
        writer.WriteNumber("unreadable", totals.Unreadable);
        writer.Number("top1", totals.Top1);
        writer.Number("top5", totals.Top5);
        writer.Number("agreement", totals.Agreement);
        writer.Number("divergence", totals.Divergence, 6);
        writer.Number("millisecondsPerImage", totals.MillisecondsPerImage, 4);
        writer.Number("readingMillisecondsPerImage", totals.ReadingMillisecondsPerImage, 4);
        writer.WriteString("attention", AttentionModes.NameOf(totals.Mode));
        writer.WriteString("linear", LinearPrecisions.NameOf(totals.Linear));
    }

    private static string Percent(double fraction) => (100 * fraction).ToString("F2", CultureInfo.InvariantCulture);
}
