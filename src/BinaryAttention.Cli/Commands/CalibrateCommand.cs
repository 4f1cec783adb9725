// calibrate: codes for one-bit attention in a model that was trained with exact attention, from a few unlabelled pictures, written beside its weights.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Cli.Commands;

internal static class CalibrateCommand
{
    public static Command Create(CliContext context)
    {
        var defaults = new CalibrationOptions();
        var model = new Option<string>("--model") { Description = "A ViT or DeiT checkpoint, trained with exact attention.", Required = true, HelpName = "FILE" };
        var output = new Option<string>("--output", "-o") { Description = "The safetensors file to write.", Required = true, HelpName = "FILE" };
        Option<string> recipe = CommonOptions.Choice("--recipe", "How codes are found: by formula, by learning a matrix per head, by learning the projections.", "projection", "closed-form", "rotation", "projection");
        Option<string> planes = CommonOptions.Choice("--planes", "Sign planes of queries and keys; two with --recipe closed-form alone.", "1", "1", "2", "1,2", "2,1");
        Option<int> length = Whole("--code-factor", "Signs of a code for each channel of a head, 1 or 2.", defaults.CodeLengthFactor);
        Option<int> rank = Whole("--rank", "Rank of the part of the logits that stays in float.", defaults.Rank);
        Option<string> keyWeights = CommonOptions.Choice("--key-weights", "What multiplies the signs of the keys.", "per-head", "per-head", "per-token");
        var classRow = new Option<bool>("--exact-class-row") { Description = "Compute the class token's row exactly: one dot product per token and head." };
        var exactLayers = new Option<string>("--exact-layers") { Description = "Layers to keep exact: how many, the most sensitive ones by measuring, or which, such as 0,7 (one alone: 7,).", DefaultValueFactory = _ => "0", HelpName = "N|LIST" };
        var eightBitLayers = new Option<string>("--eight-bit-layers") { Description = "Layers to run with 8-bit queries and keys instead of signs: how many, the next sensitive ones, or which.", DefaultValueFactory = _ => "0", HelpName = "N|LIST" };
        var budget = new Option<double?>("--budget") { Description = "Minutes that fitting may take: as many steps as fit, the closed form if few do. The result then depends on the machine's speed.", HelpName = "MINUTES" };
        Option<int> limit = CommonOptions.Positive("--limit", "Most pictures to fit on, spread evenly over the sorted names.", 128);
        Option<int> test = CommonOptions.Positive("--test", "Most other pictures to measure on, spread evenly.", 64);
        Option<int> steps = CommonOptions.Positive("--steps", "Steps of the learned recipes.", defaults.Steps);
        Option<int> seed = Whole("--seed", "Decides rotations and the order of pictures.", defaults.Seed);
        Option<string> type = CommonOptions.Choice("--type", "Element type of the codes.", "f16", "f16", "bf16", "f32");
        var html = new Option<string?>("--html") { Description = "Write a page with figures and attention maps; one file that needs nothing else.", HelpName = "FILE" };
        var force = new Option<bool>("--force") { Description = "Replace the output and the page if they exist." };
        Option<int> threads = CommonOptions.Positive("--threads", "Threads to use.", Environment.ProcessorCount);
        Option<bool> json = CommonOptions.Json();
        var input = new CalibrationInput();
        var checkpoint = new CheckpointArguments();
        var command = new Command("calibrate", "Make one-bit attention work in a model that nobody trained for it.") { model, output, recipe, planes, length, rank, keyWeights, classRow, exactLayers, eightBitLayers, budget, limit, test, steps, seed, type, html, force, threads, json };
        input.AddTo(command);
        checkpoint.AddTo(command);
        command.SetAction(parsed =>
        {
            string[] sides = parsed.GetValue(planes)!.Split(',');
            LayerChoice exact = LayerChoice.Parse(parsed.GetValue(exactLayers)!, exactLayers.Name), eightBit = LayerChoice.Parse(parsed.GetValue(eightBitLayers)!, eightBitLayers.Name);
            if (sides.Contains("2", StringComparer.Ordinal) && parsed.GetValue(recipe) != "closed-form")
            {
                throw new BadInputException($"--planes is {parsed.GetValue(planes)} with --recipe {parsed.GetValue(recipe)}; learned codes have one plane. Give --recipe closed-form, or --code-factor 2.");
            }

            if (exact.Layers.Intersect(eightBit.Layers).ToArray() is [int twice, ..])
            {
                throw new BadInputException($"layer {twice} is in --exact-layers and in --eight-bit-layers; one of them is expected.");
            }

            var run = new CalibrationRun(context, input, parsed)
            {
                ModelPath = InputPaths.File(parsed.GetRequiredValue(model), "--model"),
                Files = CalibrationFiles.Check(parsed.GetRequiredValue(output), parsed.GetValue(html), parsed.GetValue(force)),
                Checkpoint = checkpoint.Read(parsed),
                CodeType = parsed.GetValue(type) switch { "f32" => TensorElementType.Float32, "bf16" => TensorElementType.BFloat16, _ => TensorElementType.Float16 },
                ExactLayers = exact,
                EightBitLayers = eightBit,
                FitCount = parsed.GetValue(limit),
                TestCount = parsed.GetValue(test),
                AsJson = parsed.GetValue(json),
                Options = defaults with
                {
                    Recipe = parsed.GetValue(recipe) switch { "closed-form" => CalibrationRecipe.ClosedForm, "rotation" => CalibrationRecipe.Rotation, _ => CalibrationRecipe.Projection },
                    QueryPlanes = sides[0] == "2" ? 2 : 1,
                    KeyPlanes = sides[^1] == "2" ? 2 : 1,
                    CodeLengthFactor = InRange(length, parsed.GetValue(length), 1, 2),
                    Rank = InRange(rank, parsed.GetValue(rank), 0, 16),
                    KeyWeights = parsed.GetValue(keyWeights) == "per-token" ? KeyWeights.PerToken : KeyWeights.PerHead,
                    ExactSpecialRows = parsed.GetValue(classRow),
                    Steps = InRange(steps, parsed.GetValue(steps), 1, 100_000),
                    Seed = parsed.GetValue(seed),
                    MaxDegreeOfParallelism = parsed.GetValue(threads),
                    ExactLayers = exact.Layers,
                    EightBitLayers = eightBit.Layers,
                    Budget = Minutes(parsed.GetValue(budget)),
                },
            };
            return run.Run();
        });
        ExampleHelpAction.Attach(command, """
            The output holds every tensor of the model as it was and codes beside them; it runs with exact attention as before, and with --attention binary by its codes.
            Half of a percent of a data set is enough: 64 to 128 pictures, no labels. The report is measured on other pictures of the folder, with 8-bit probabilities
            and values. KL of a layer is that of its attention rows, the class token's row weighted by 20 (0 with --exact-class-row, which computes it exactly). Everything is decided by --seed: the same command on the same
            kind of processor writes the same bytes at any number of threads, unless there is a --budget. Interrupted, it leaves finished layers in OUTPUT.partial, from which
            the same command continues. Which layers are most sensitive is measured: the KL that the model's answers gain when that one layer is exact.

            Examples:
              binattn calibrate --model samples/models/deit_tiny_patch16_224.f16.safetensors --images pictures -o calibrated.safetensors
              binattn calibrate --model model.safetensors --images pictures --recipe closed-form --planes 2 -o calibrated.safetensors
              binattn calibrate --model model.safetensors --images val --labels val/labels.csv --rank 4 --exact-class-row -o calibrated.safetensors --html calibration.html
              binattn calibrate --model model.safetensors --images pictures --exact-class-row --eight-bit-layers 2 -o calibrated.safetensors
              binattn calibrate --model model.safetensors --images pictures --exact-layers 0, --budget 1.5 -o calibrated.safetensors
              binattn calibrate --model samples/models/vit_mnist.pt --activation relu --idx-images samples/digits/images.idx3.gz --idx-labels samples/digits/labels.idx1.gz -o digits.safetensors
            """);
        return command;
    }

    private static TimeSpan? Minutes(double? minutes) => minutes is null or (> 0 and <= 100_000)
        ? minutes is { } given ? TimeSpan.FromMinutes(given) : null
        : throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--budget is {minutes}; minutes above 0 are expected, such as 2 or 0.5."));

    private static int InRange(Option<int> option, int value, int least, int most) => value >= least && value <= most
        ? value
        : throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} is {value}; {least} to {most} is expected."));

    private static Option<int> Whole(string name, string description, int defaultValue)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            {
                return value;
            }

            result.AddError($"{name} is \"{text}\"; a whole number of at least 0 is expected.");
            return 0;
        };
        return option;
    }
}
