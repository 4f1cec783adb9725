// inspect FILE: what a checkpoint of any known format holds, without reading its values.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Formats.Checkpoints;
using Spectre.Console;

namespace BinaryAttention.Cli.Commands;

internal static class InspectCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "A checkpoint: safetensors, PyTorch (.pth, .pt) or NumPy (.npz), told by its content." };
        Option<string?> prefix = CheckpointArguments.Prefix();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("inspect", "List the tensors and the metadata of a checkpoint.") { file, prefix, json };
        command.SetAction(parsed => Run(context, parsed.GetRequiredValue(file), parsed.GetValue(prefix), parsed.GetValue(json)));
        ExampleHelpAction.Examples(command, "binattn inspect samples/models/deit_tiny_patch16_224.f16.safetensors", "binattn inspect model.safetensors --json", "binattn inspect model.pth --prefix model_ema");
        return command;
    }

    private static int Run(CliContext context, string path, string? prefix, bool json)
    {
        using var file = TensorFile.OpenBelow(InputPaths.File(path, "FILE"), prefix);
        long elements = file.Tensors.Sum(tensor => tensor.ElementCount);
        long bytes = file.Tensors.Sum(tensor => tensor.ByteCount);
        if (json)
        {
            foreach (TensorEntry tensor in file.Tensors)
            {
                JsonLine.Write(context.Output, writer => Tensor(writer, tensor));
            }

            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("format", file.FormatName);
                writer.WriteNumber("tensors", file.Tensors.Count);
                writer.WriteNumber("elements", elements);
                writer.WriteNumber("bytes", bytes);
                writer.WriteStartObject("metadata");
                foreach ((string name, string value) in file.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    writer.WriteString(name, value);
                }

                writer.WriteEndObject();
            });
            return ExitCodes.Success;
        }

        Table table = Terminal.Table(Path.GetFileName(path), "name", "type", "shape", ">bytes");
        foreach (TensorEntry tensor in file.Tensors)
        {
            table.Row(tensor.Name, tensor.ElementType.ToString(), $"[{string.Join(", ", tensor.Shape)}]", tensor.ByteCount.ToString("N0", CultureInfo.InvariantCulture));
        }

        Terminal.ForOutput(context).Write(table);
        foreach ((string name, string value) in file.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            context.Output.WriteLine($"{name}: {value}");
        }

        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file.Tensors.Count} tensors, {elements:N0} elements, {bytes:N0} bytes"));
        return ExitCodes.Success;
    }

    private static void Tensor(Utf8JsonWriter writer, TensorEntry tensor)
    {
        writer.WriteString("name", tensor.Name);
        writer.WriteString("type", tensor.ElementType.ToString());
        writer.WriteStartArray("shape");
        foreach (long length in tensor.Shape)
        {
            writer.WriteNumberValue(length);
        }

        writer.WriteEndArray();
        writer.WriteNumber("elements", tensor.ElementCount);
        writer.WriteNumber("bytes", tensor.ByteCount);
        if (tensor.ByteOffset >= 0)
        {
            writer.WriteNumber("offset", tensor.ByteOffset);
        }
        else
        {
            writer.WriteNull("offset"); // compressed in the file
        }
    }
}
