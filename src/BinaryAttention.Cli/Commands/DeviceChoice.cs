// --device of the commands that run models: which backend computes attention, and what it cannot compute, said before any work.
using System.CommandLine;
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Hosting;

namespace BinaryAttention.Cli.Commands;

internal sealed record DeviceChoice(IAttentionBackend Backend, ValueQuantization? Quantization, bool IsCuda)
{
    public const string CpuName = "cpu";

    public const string CudaName = "cuda";

    /// <summary>Reads --device and --quantization together: the GPU computes one quantization, which is its default.</summary>
    public static DeviceChoice Read(CliContext context, ParseResult parsed, Option<string> device, Option<string?> quantization)
    {
        string? name = parsed.GetValue(quantization);
        if (parsed.GetValue(device) == CpuName)
        {
            return new DeviceChoice(CpuAttentionBackend.Instance, CommonOptions.OptionalQuantization(name), IsCuda: false);
        }

        CudaDevice gpu = Gpu(context, "--device cuda", "Leave --device out to run on the CPU.");
        return name is not null && CommonOptions.Quantization(name) != ValueQuantization.Tiled
            ? throw new BadInputException($"--quantization is {name}, but --device cuda computes tiled alone. Give --quantization tiled, or leave --device out.")
            : new DeviceChoice(new ExactOnCpuBackend(new CudaAttentionBackend(gpu)), ValueQuantization.Tiled, IsCuda: true);
    }

    /// <summary>The first usable GPU.</summary>
    /// <exception cref="BadInputException">There is none; the message says why and what else to do.</exception>
    public static CudaDevice Gpu(CliContext context, string what, string remedy)
    {
        CudaDiscovery gpus = context.Gpus();
        return gpus.WhyNot is { } reason ? throw new BadInputException($"{what}: no NVIDIA GPU can be used: {reason}. {remedy}") : gpus.Default;
    }

    /// <summary>Refuses a model whose one-bit attention the GPU has no kernel for.</summary>
    public void RequireRunnable(Recognizer recognizer, ReadOnlySpan<AttentionMode> modes)
    {
        if (!IsCuda)
        {
            return;
        }

        if (modes.Contains(AttentionMode.Binary) && recognizer.Model.Configuration.Calibration is not null)
        {
            throw new BadInputException("--device cuda has no kernel for the codes of a calibrated checkpoint. Leave --device out to run on the CPU, or give --attention naive-binary.");
        }
    }
}
