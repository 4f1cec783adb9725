// convert INPUT -o OUTPUT: the tensors of a checkpoint as safetensors. Names, shapes and order stay; with --type keep the bits too.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Cli.Commands;

internal static class ConvertCommand
{
    private const int MaxOthersNamed = 10;

    public static Command Create(CliContext context)
    {
        var input = new Argument<string>("INPUT") { Description = "A checkpoint: PyTorch (.pth, .pt), NumPy (.npz) or safetensors, told by its content." };
        var output = new Option<string>("--output", "-o") { Description = "The safetensors file to write.", Required = true, HelpName = "FILE" };
        Option<string> type = CommonOptions.Choice("--type", "Element type of floating-point tensors; integers and truth values keep theirs.", "keep", "keep", "f32", "f16", "bf16");
        var force = new Option<bool>("--force") { Description = "Replace the output if it exists." };
        Option<string?> prefix = CheckpointArguments.Prefix();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("convert", "Convert a checkpoint to safetensors.") { input, output, prefix, type, force, json };
        command.SetAction(parsed => Run(context, parsed.GetRequiredValue(input), parsed.GetRequiredValue(output), parsed.GetValue(prefix), parsed.GetValue(type)!, parsed.GetValue(force), parsed.GetValue(json)));
        ExampleHelpAction.Examples(command, "binattn convert model.pth -o model.safetensors", "binattn convert model.pth -o small.safetensors --type f16 --force", "binattn convert checkpoint.pth -o ema.safetensors --prefix model_ema");
        return command;
    }

    private static int Run(CliContext context, string input, string output, string? prefix, string type, bool force, bool json)
    {
        OutputPaths.File(output, "--output", force);
        var tensors = new List<TensorToWrite>();
        string format;
        using (var file = TensorFile.OpenBelow(InputPaths.File(input, "INPUT"), prefix))
        {
            format = file.FormatName;
            CheckMemory(file);
            ProgressReport.Run(context, "Reading", file.Tensors.Count, step =>
            {
                foreach (TensorEntry tensor in file.Tensors)
                {
                    context.Cancellation.ThrowIfCancellationRequested();
                    tensors.Add(Convert(file, tensor, type));
                    step();
                }
            });
            if (file is PyTorchCheckpoint { OtherValues.Count: > 0 } checkpoint)
            {
                context.Warn($"left out, being no tensors: {Names(checkpoint.OtherValues)}.");
            }

            SafeTensorsWriter.Write(output, tensors, file.Metadata);
        }

        Report(context, output, format, tensors, json);
        return ExitCodes.Success;
    }

    // Many tensors may lie over the same stored bytes; written out, each needs its own.
    private static void CheckMemory(TensorFile file)
    {
        if (file.Tensors.Count == 0)
        {
            throw new BadInputException("INPUT holds no tensors; there is nothing to convert.");
        }

        decimal bytes = file.Tensors.Sum(static tensor => (decimal)tensor.ByteCount);
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"the tensors of INPUT have {bytes:N0} bytes in all; they are held in memory, of which there are {available:N0}. Use a machine with more memory or a smaller file."));
        }
    }

    private static TensorToWrite Convert(TensorFile file, TensorEntry tensor, string type)
    {
        TensorElementType wanted = type switch
        {
            "f32" => TensorElementType.Float32,
            "f16" => TensorElementType.Float16,
            "bf16" => TensorElementType.BFloat16,
            _ => tensor.ElementType,
        };
        bool isFloat = tensor.ElementType is TensorElementType.Float64 or TensorElementType.Float32 or TensorElementType.Float16
            or TensorElementType.BFloat16 or TensorElementType.Float8E4M3 or TensorElementType.Float8E5M2;
        return isFloat && wanted != tensor.ElementType
            ? TensorToWrite.FromSingles(tensor.Name, tensor.Shape, file.ReadSingles(tensor.Name), wanted)
            : new TensorToWrite(tensor.Name, tensor.ElementType, tensor.Shape, file.ReadBytes(tensor.Name));
    }

    private static string Names(IReadOnlyList<string> names)
    {
        string first = string.Join(", ", names.Take(MaxOthersNamed).Select(static name => Printable(name)));
        return names.Count > MaxOthersNamed ? $"{first} and more" : first;
    }

    // The name is the file's: nothing in it may steer a terminal.
    private static string Printable(string name) => string.Concat(name.Take(80).Select(static unit => char.IsControl(unit) || char.GetUnicodeCategory(unit) == UnicodeCategory.Format ? '?' : unit));

    private static void Report(CliContext context, string output, string format, List<TensorToWrite> tensors, bool json)
    {
        long bytes = tensors.Sum(static tensor => (long)tensor.Bytes.Length);
        if (json)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("output", output);
                writer.WriteString("format", format);
                writer.WriteNumber("tensors", tensors.Count);
                writer.WriteNumber("bytes", bytes);
            });
            return;
        }

        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: {tensors.Count} tensors, {bytes:N0} bytes, from a file of the format {format}"));
    }
}
