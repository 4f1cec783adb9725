// doctor: what this machine offers and which kernels it can run, each with its reason if not.
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using Spectre.Console;

namespace BinaryAttention.Cli.Commands;

internal static class DoctorCommand
{
    public static Command Create(CliContext context)
    {
        Option<bool> json = CommonOptions.Json();
        var command = new Command("doctor", "Show the processor's features, the usable kernels and the runtime.") { json };
        command.SetAction(parsed => Run(context, parsed.GetValue(json)));
        ExampleHelpAction.Examples(command, "binattn doctor", "binattn doctor --json");
        return command;
    }

    private static int Run(CliContext context, bool json)
    {
        string version = typeof(Attention).Assembly.GetName().Version?.ToString(3) ?? "unknown";
        KernelDescription? best = AttentionKernels.All.FirstOrDefault(kernel => kernel.IsUsable);
        string? sampleModel = SampleFiles.TryFind(SampleFiles.ModelPath);
        if (json)
        {
            JsonLine.Write(context.Output, writer =>
            {
                writer.WriteString("version", version);
                writer.WriteString("cpu", ProcessorName.Read());
                writer.WriteNumber("cores", Environment.ProcessorCount);
                writer.Strings("cpuFeatures", AttentionKernels.CpuFeatureNames);
                writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
                writer.WriteString("operatingSystem", RuntimeInformation.OSDescription);
                writer.WriteString("architecture", RuntimeInformation.ProcessArchitecture.ToString());
                writer.WriteString("defaultKernel", best?.Name);
                writer.WriteStartArray("kernels");
                foreach (KernelDescription kernel in AttentionKernels.All)
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", kernel.Name);
                    writer.WriteString("description", kernel.Description);
                    writer.WriteBoolean("isUsable", kernel.IsUsable);
                    writer.WriteString("whyNot", kernel.WhyNot);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteString("sampleModel", sampleModel);
            });
            return ExitCodes.Success;
        }

        TextWriter output = context.Output;
        output.WriteLine($"BinaryAttention {version}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"processor     {ProcessorName.Read()}, {Environment.ProcessorCount} cores for this process"));
        output.WriteLine($"features      {string.Join(", ", AttentionKernels.CpuFeatureNames)}");
        output.WriteLine($"runtime       {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}");
        output.WriteLine($"system        {RuntimeInformation.OSDescription}");
        output.WriteLine($"sample model  {sampleModel ?? $"not found ({SampleFiles.ModelPath}); 'binattn classify' then needs --model"}");
        Table table = Terminal.Table("kernels, best first", "name", "usable", "description");
        foreach (KernelDescription kernel in AttentionKernels.All)
        {
            table.Row(kernel.Name, kernel.IsUsable ? "yes" : $"no: {kernel.WhyNot}", kernel.Description);
        }

        Terminal.ForOutput(context).Write(table);
        if (best is null or { Name: "reference" })
        {
            context.Warn("no fast kernel can run here; attention falls to the reference, which is correct and slow.");
        }

        return ExitCodes.Success;
    }
}
