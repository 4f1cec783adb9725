// doctor: what this machine offers and which kernels it can run, each with its reason if not.
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using BinaryAttention.Cli.Benchmarking;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using Spectre.Console;

namespace BinaryAttention.Cli.Commands;

internal static class DoctorCommand
{
    public static Command Create(CliContext context)
    {
        Option<bool> json = CommonOptions.Json();
        var command = new Command("doctor", "Show the processor's features, the usable kernels, the GPUs and the runtime.") { json };
        command.SetAction(parsed => Run(context, parsed.GetValue(json)));
        ExampleHelpAction.Examples(command, "binattn doctor", "binattn doctor --json");
        return command;
    }

    private static int Run(CliContext context, bool json)
    {
        string version = typeof(Attention).Assembly.GetName().Version?.ToString(3) ?? "unknown";
        KernelDescription? best = AttentionKernels.All.FirstOrDefault(kernel => kernel.IsUsable);
        CudaDiscovery gpus = context.Gpus();
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
                Write(writer, gpus);
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
        Report(context, gpus);
        if (best is null or { Name: "reference" })
        {
            context.Warn("no fast kernel can run here; attention falls to the reference, which is correct and slow.");
        }

        return ExitCodes.Success;
    }

    private static void Write(System.Text.Json.Utf8JsonWriter writer, CudaDiscovery gpus)
    {
        writer.WriteString("cudaDriver", gpus.DriverVersion > 0 ? CudaDriver.VersionText(gpus.DriverVersion) : null);
        writer.WriteString("whyNoGpu", gpus.WhyNot);
        writer.WriteStartArray("gpus");
        foreach (CudaDevice device in gpus.Devices)
        {
            writer.WriteStartObject();
            writer.WriteNumber("ordinal", device.Ordinal);
            writer.WriteString("name", device.Name);
            writer.WriteString("computeCapability", device.ComputeCapability.ToString());
            writer.WriteNumber("memoryBytes", device.MemoryBytes);
            writer.WriteNumber("multiprocessors", device.MultiprocessorCount);
            writer.WriteBoolean("isUsable", device.IsUsable);
            writer.WriteString("whyNot", device.WhyNot);
            writer.WriteString("signProduct", device.SignProduct);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Report(CliContext context, CudaDiscovery gpus)
    {
        if (gpus.Devices.Count == 0)
        {
            context.Output.WriteLine($"GPU           none: {gpus.WhyNot}");
            return;
        }

        Table table = Terminal.Table($"GPUs, driver for CUDA {CudaDriver.VersionText(gpus.DriverVersion)}", "name", "usable", ">compute capability", ">memory MiB", ">multiprocessors");
        foreach (CudaDevice device in gpus.Devices)
        {
            table.Row(
                device.Name, device.IsUsable ? $"yes: {device.SignProduct}" : $"no: {device.WhyNot}", device.ComputeCapability.ToString(), (device.MemoryBytes >> 20).ToString("N0", CultureInfo.InvariantCulture),
                device.MultiprocessorCount.ToString(CultureInfo.InvariantCulture));
        }

        Terminal.ForOutput(context).Write(table);
    }
}
