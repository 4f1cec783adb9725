// classify IMAGE...: the most probable classes of photographs, with exact and with one-bit attention side by side.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Vision;
using Spectre.Console;

namespace BinaryAttention.Cli.Commands;

internal static class ClassifyCommand
{
    private const string BothName = "both";

    private const string Closing =
        "naive-binary takes a model trained with exact attention and keeps only the signs of queries and keys, without calibration or training. " +
        "That is weak: it keeps about a third of the top-1 answers right. 'binattn calibrate' wins most of it back without training.";

    public static Command Create(CliContext context)
    {
        var images = new Argument<string[]>("IMAGE") { Description = "PNG or JPEG photographs.", Arity = ArgumentArity.OneOrMore };
        var model = new Option<string?>("--model") { Description = $"A ViT or DeiT checkpoint; {SampleFiles.ModelPath} if left out.", HelpName = "FILE" };
        Option<string> attention = CommonOptions.Choice("--attention", "Which attention to run; binary is calibrated if the checkpoint is, else naive-binary; both is exact and binary.", BothName, BothName, AttentionModes.ExactName, AttentionModes.EightBitName, AttentionModes.BinaryName, AttentionModes.NaiveBinaryName);
        Option<string?> quantization = CommonOptions.OptionalQuantization();
        Option<string> linear = LinearPrecisions.Option();
        Option<int> top = CommonOptions.Positive("--top", "Classes to show.", 5);
        Option<int> threads = CommonOptions.Positive("--threads", "Threads the model may use.", Environment.ProcessorCount);
        Option<string> device = CommonOptions.Device();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("classify", "Classify photographs with exact and one-bit attention.") { images, model, attention, quantization, linear, top, threads, device, json };
        var checkpoint = new CheckpointArguments();
        checkpoint.AddTo(command);
        command.SetAction(parsed => Run(
            context,
            parsed.GetRequiredValue(images),
            parsed.GetValue(model),
            checkpoint.Read(parsed),
            parsed.GetValue(attention)!,
            DeviceChoice.Read(context, parsed, device, quantization),
            LinearPrecisions.Parse(parsed.GetValue(linear)!),
            parsed.GetValue(top),
            parsed.GetValue(threads),
            parsed.GetValue(json)));
        ExampleHelpAction.Examples(
            command,
            "binattn classify samples/photos/chelsea.png samples/photos/coffee.png",
            "binattn classify photo.jpg --attention exact --top 3 --json",
            "binattn classify photo.jpg --attention eight-bit",
            "binattn classify photo.jpg --linear int8",
            "binattn classify photo.jpg --model vit.safetensors --threads 1",
            "binattn classify photo.jpg --device cuda --quantization tiled",
            "binattn classify photo.jpg --model checkpoint.pth --prefix model_ema");
        return command;
    }

    private static int Run(CliContext context, string[] images, string? modelPath, CheckpointOptions checkpoint, string attention, DeviceChoice device, LinearPrecision linear, int top, int threads, bool json)
    {
        foreach (string image in images)
        {
            InputPaths.File(image, "IMAGE");
        }

        string path = modelPath is not null
            ? InputPaths.File(modelPath, "--model")
            : SampleFiles.TryFind(SampleFiles.ModelPath) ?? throw new BadInputException($"no --model was given and {SampleFiles.ModelPath} was not found above the current directory or the program. Give --model FILE.");
        AttentionMode[] modes = attention == BothName ? [AttentionMode.Exact, AttentionMode.Binary] : [AttentionModes.Parse(attention)];
        Recognizer[] recognizers = Recognizer.Load(path, checkpoint, device.Quantization, linear, threads, device.Backend, modes);
        device.RequireRunnable(recognizers[0], modes);
        recognizers[0].RequirePhotographs();
        ImagePreprocessing preprocessing = recognizers[0].DefaultPreprocessing();
        foreach (Recognizer recognizer in recognizers)
        {
            recognizer.WarmUp(context.Cancellation);
        }

        int exitCode = ExitCodes.Success;
        int answered = 0;
        foreach (string image in images)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            float[] pixels;
            try
            {
                pixels = PictureReader.Read(image, preprocessing);
            }
            catch (FileFormatException problem)
            {
                // The other photographs are still worth an answer.
                context.Report(PlainMessage.Of(problem));
                exitCode = ExitCodes.BadInput;
                continue;
            }

            answered++;
            Answer[] answers = [.. recognizers.Select(recognizer => Ask(recognizer, pixels, top, context.Cancellation))];
            if (json)
            {
                foreach (Answer answer in answers)
                {
                    JsonLine.Write(context.Output, writer => Write(writer, image, path, answer));
                }
            }
            else
            {
                Terminal.ForOutput(context).Write(Table(image, answers, recognizers[0].IsTrainedOneBit));
            }
        }

        if (!json && answered > 0 && recognizers[0].IsTrainedOneBit)
        {
            context.Output.WriteLine(AttentionModes.TrainedOneBitRemark);
        }
        else if (!json && answered > 0 && recognizers.Any(static recognizer => recognizer.Mode == AttentionMode.NaiveBinary))
        {
            context.Output.WriteLine(Closing);
        }

        return exitCode;
    }

    private static Answer Ask(Recognizer recognizer, float[] pixels, int top, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        float[] logits = recognizer.Logits(pixels, cancellationToken);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return new Answer(recognizer.Mode, milliseconds, Predictions.Top(logits, top));
    }

    private static Table Table(string image, Answer[] answers, bool isTrainedOneBit)
    {
        List<string> columns = [">#"];
        foreach (Answer answer in answers)
        {
            columns.Add(string.Create(CultureInfo.InvariantCulture, $"{AttentionModes.TitleOf(answer.Mode, isTrainedOneBit)}, {answer.Milliseconds:F1} ms"));
            columns.Add(">%");
        }

        Table table = Terminal.Table(image, [.. columns]);
        for (int place = 0; place < answers[0].Predictions.Length; place++)
        {
            List<string> cells = [(place + 1).ToString(CultureInfo.InvariantCulture)];
            foreach (Answer answer in answers)
            {
                cells.Add(answer.Predictions[place].Name);
                cells.Add((100 * answer.Predictions[place].Probability).ToString("F1", CultureInfo.InvariantCulture));
            }

            table.Row([.. cells]);
        }

        return table;
    }

    private static void Write(Utf8JsonWriter writer, string image, string model, Answer answer)
    {
        writer.WriteString("image", image);
        writer.WriteString("model", Path.GetFileName(model));
        writer.WriteString("attention", AttentionModes.NameOf(answer.Mode));
        writer.Number("milliseconds", answer.Milliseconds, 3);
        writer.WriteStartArray("predictions");
        foreach (Prediction prediction in answer.Predictions)
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", prediction.Index);
            writer.WriteString("name", prediction.Name);
            writer.Number("probability", prediction.Probability, 6);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>What one model said about one photograph.</summary>
    private sealed record Answer(AttentionMode Mode, double Milliseconds, Prediction[] Predictions);
}
