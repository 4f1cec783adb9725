// compare: how far one-bit attention is from exact attention in every layer and head of a model, which layers to keep exact, and a page with the maps.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Commands;

internal static class CompareCommand
{
    private const int SuggestedLayers = 3;

    public static Command Create(CliContext context)
    {
        var model = new Option<string>("--model") { Description = "A ViT or DeiT checkpoint.", Required = true, HelpName = "FILE" };
        var images = new Option<string>("--images") { Description = "The folder of pictures; its subfolders too.", Required = true, HelpName = "DIR" };
        Option<int> limit = CommonOptions.Positive("--limit", "Most pictures to measure, the first in order of their names.", 32);
        Option<string> weighting = CommonOptions.Choice("--weighting", "What multiplies the signs: mean magnitudes.", "per-head", "per-head", "per-token", "per-token-query");
        Option<string> quantization = CommonOptions.Choice("--quantization", "How one-bit attention holds probabilities and values.", "tiled", "full", "tiled", "training-parity");
        Option<int> suggest = CommonOptions.Positive("--suggest", "Layers to suggest to keep exact; every one more costs a round of runs.", SuggestedLayers);
        var quick = new Option<bool>("--no-search") { Description = "Leave out the search for layers to keep exact." };
        var html = new Option<string?>("--html") { Description = "Write a page with figures and maps; one file that needs nothing else.", HelpName = "FILE" };
        var map = new Option<string?>("--map") { Description = "The head whose whole map the page shows; the least and the most different one if left out.", HelpName = "LAYER.HEAD" };
        var force = new Option<bool>("--force") { Description = "Replace the page if it exists." };
        Option<int> threads = CommonOptions.Positive("--threads", "Threads the model may use.", Environment.ProcessorCount);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("compare", "Compare one-bit with exact attention, layer by layer and head by head.") { model, images, limit, weighting, quantization, suggest, quick, html, map, force, threads, json };
        command.SetAction(parsed =>
        {
            string modelPath = InputPaths.File(parsed.GetRequiredValue(model), "--model");
            LabelledImageFolder folder = LabelledImageFolder.Open(InputPaths.Folder(parsed.GetRequiredValue(images), "--images"));
            string? page = parsed.GetValue(html) is { } path ? OutputPaths.File(path, html.Name, parsed.GetValue(force)) : null;
            if (page is not null)
            {
                OutputFile.Probe(page);
            }

            string weightingName = parsed.GetValue(weighting)!, quantizationName = parsed.GetValue(quantization)!;
            var request = new ComparisonRequest
            {
                Weighting = CommonOptions.Weighting(weightingName),
                Quantization = CommonOptions.Quantization(quantizationName),
                ExactLayers = parsed.GetValue(quick) ? 0 : parsed.GetValue(suggest),
                WithPictures = page is not null,
                Map = Head(parsed.GetValue(map), page),
            };
            LabelledImage[] chosen = [.. folder.Images.Take(parsed.GetValue(limit))];
            foreach (LabelledImage image in chosen)
            {
                InputPaths.File(image.Path, "picture");
            }

            Recognizer recognizer = Recognizer.Load(modelPath, request.Quantization, parsed.GetValue(threads), AttentionMode.Exact)[0];
            Comparison comparison = new ModelComparison(context, recognizer, request).Run(chosen, folder.Images.Count);
            string attention = $"{weightingName} magnitudes, {quantizationName} values";
            if (page is not null)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                OutputFile.Write(page, FidelityPage.Create(Report(comparison, modelPath, attention, [.. parsed.Tokens.Select(static token => token.Value)])), parsed.GetValue(force));
            }

            if (parsed.GetValue(json))
            {
                CompareOutput.WriteJson(context, comparison, modelPath, weightingName, quantizationName, page);
            }
            else
            {
                CompareOutput.WriteTables(context, comparison, attention);
            }

            return comparison.Unreadable == 0 ? ExitCodes.Success : ExitCodes.BadInput;
        });
        ExampleHelpAction.Attach(command, """
            Every layer is compared on the queries, keys and values of the exact model. KL is the Kullback-Leibler divergence of the attention maps in nats, mean over
            query rows; the class row is that of the class token, which decides the classification. The output error is relative to the exact output: as one-bit
            attention runs, by its signs alone, and by 8-bit probabilities and values. Then the model is run with single layers exact or one-bit, and greedily with
            the layers exact that lower the divergence of its answers most; agreement is the share of pictures with the same first class. One picture is 1/n of it:
            few pictures rank layers, but measure no accuracy. A damaged picture is reported on standard error and left out; the exit code is then 2.

            Examples:
              binattn compare --model model.safetensors --images val --limit 64
              binattn compare --model samples/models/deit_tiny_patch16_224.f16.safetensors --images samples/photos --html fidelity.html
              binattn compare --model model.safetensors --images val --weighting per-token --no-search --json
            """);
        return command;
    }

    private static FidelityReport Report(Comparison comparison, string modelPath, string attention, string[] arguments) => new()
    {
        ModelName = Path.GetFileName(modelPath),
        CommandLine = $"binattn {string.Join(' ', arguments.Select(Quoted))}",
        ToolVersion = typeof(Attention).Assembly.GetName().Version?.ToString(3) ?? "unknown",
        BinaryAttention = attention,
        Remark = comparison.IsTrainedOneBit ? AttentionModes.TrainedOneBitRemark : string.Empty,
        Pictures = comparison.PicturesInWords,
        Layers = comparison.Layers,
        Sensitivity = comparison.Sensitivity,
        Photographs = comparison.Pictures,
    };

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(static unit => char.IsLetterOrDigit(unit) || "-_./:=,+@%\\".Contains(unit, StringComparison.Ordinal)) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static (int Layer, int Head)? Head(string? text, string? page)
    {
        if (text is null)
        {
            return null;
        }

        if (page is null)
        {
            throw new BadInputException("--map was given without --html; maps are shown on the page alone. Give --html FILE too.");
        }

        string[] parts = text.Split('.');
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int head)
            ? (layer, head)
            : throw new BadInputException($"--map is \"{text}\"; layer and head counted from 0 with a point between them are expected, such as 3.1.");
    }
}
