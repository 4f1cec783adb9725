// Whether this process may generate code at all: the switch, the operating system, the processor and the runtime's own switches together.
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Assembled;

internal static class CodeGeneration
{
    public const string EnvironmentVariable = "BINARYATTENTION_ASSEMBLED";

    public const string SwitchName = "BinaryAttention.CodeGeneration";

    /// <summary>Why no code is generated in this process, or null.</summary>
    public static string? WhyNot(CpuFeatures cpu)
    {
        if (string.Equals(Environment.GetEnvironmentVariable(EnvironmentVariable), "0", StringComparison.Ordinal))
        {
            return $"{EnvironmentVariable}=0 turns code generation off";
        }

        if (AppContext.TryGetSwitch(SwitchName, out bool isOn) && !isOn)
        {
            return $"the AppContext switch {SwitchName} turns code generation off";
        }

        return cpu.MissingForAssembled is { } missing ? $"it needs {missing}, which this machine lacks or the runtime's switches turn off" : ExecutableMemory.WhyNot;
    }
}
