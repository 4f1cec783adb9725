// Chooses the first kernel of the registry that can run a call, or obeys a forced name. A forced kernel that is unknown or cannot run throws with the names and
// the reasons: never a silent fallback.
namespace BinaryAttention.Kernels;

internal static class KernelSelector
{
    public const string EnvironmentVariable = "BINARYATTENTION_KERNEL";

    public static IAttentionKernel Select(AttentionSpecification specification, string? forcedName, CpuFeatures cpu)
    {
        string source = "AttentionOptions.Kernel";
        if (forcedName is null)
        {
            forcedName = Environment.GetEnvironmentVariable(EnvironmentVariable);
            source = EnvironmentVariable;
            forcedName = string.IsNullOrEmpty(forcedName) ? null : forcedName;
        }

        if (forcedName is not null)
        {
            return Forced(specification, forcedName, source, cpu);
        }

        List<string> reasons = [];
        foreach (IAttentionKernel kernel in KernelRegistry.Kernels)
        {
            string? reason = kernel.WhyNot(cpu) ?? kernel.WhyNot(specification);
            if (reason is null)
            {
                return kernel;
            }

            reasons.Add($"{kernel.Name}: {reason}");
        }

        throw new NotSupportedException($"No kernel can run this call. {string.Join("; ", reasons)}.");
    }

    private static IAttentionKernel Forced(AttentionSpecification specification, string name, string source, CpuFeatures cpu)
    {
        IAttentionKernel? kernel = KernelRegistry.Kernels.FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
        if (kernel is null)
        {
            string known = string.Join(", ", KernelRegistry.Kernels.Select(candidate => $"\"{candidate.Name}\"{(candidate.WhyNot(cpu) is { } whyNot ? $" (cannot run here: {whyNot})" : string.Empty)}"));
            throw new ArgumentException($"{source} names kernel \"{name}\", which does not exist. Known kernels: {known}.", "options");
        }

        string? reason = kernel.WhyNot(cpu) ?? kernel.WhyNot(specification);
        return reason is not null
            ? throw new NotSupportedException($"{source} forces kernel \"{name}\", which cannot run this call: {reason}.")
            : kernel;
    }
}
