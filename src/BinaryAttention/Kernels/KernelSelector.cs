// Chooses the first kernel of the registry that can run a call, or obeys a forced name. A forced kernel that is unknown or cannot run throws with the names and
// the reasons: never a silent fallback.
namespace BinaryAttention.Kernels;

internal static class KernelSelector
{
    public const string EnvironmentVariable = "BINARYATTENTION_KERNEL";

    public static IAttentionKernel Select(AttentionSpecification specification, string? forcedName, CpuFeatures cpu) =>
        Select(forcedName, cpu, kernel => kernel.WhyNot(cpu) ?? kernel.WhyNot(specification));

    /// <summary>The kernel that computes the gradients of a call.</summary>
    public static IAttentionKernel SelectBackward(AttentionSpecification specification, string? forcedName, CpuFeatures cpu) =>
        Select(forcedName, cpu, kernel => kernel.WhyNot(cpu) ?? kernel.WhyNotBackward(specification));

    private static IAttentionKernel Select(string? forcedName, CpuFeatures cpu, Func<IAttentionKernel, string?> whyNot)
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
            return Forced(forcedName, source, cpu, whyNot);
        }

        List<string> reasons = [];
        foreach (IAttentionKernel kernel in KernelRegistry.Kernels)
        {
            string? reason = whyNot(kernel);
            if (reason is null)
            {
                return kernel;
            }

            reasons.Add($"{kernel.Name}: {reason}");
        }

        throw new NotSupportedException($"No kernel can run this call. {string.Join("; ", reasons)}.");
    }

    private static IAttentionKernel Forced(string name, string source, CpuFeatures cpu, Func<IAttentionKernel, string?> whyNot)
    {
        IAttentionKernel? kernel = KernelRegistry.Kernels.FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
        if (kernel is null)
        {
            string known = string.Join(", ", KernelRegistry.Kernels.Select(candidate => $"\"{candidate.Name}\"{(candidate.WhyNot(cpu) is { } cpuReason ? $" (cannot run here: {cpuReason})" : string.Empty)}"));
            throw new ArgumentException($"{source} names kernel \"{name}\", which does not exist. Known kernels: {known}.", "options");
        }

        string? reason = whyNot(kernel);
        return reason is not null
            ? throw new NotSupportedException($"{source} forces kernel \"{name}\", which cannot run this call: {reason}.")
            : kernel;
    }
}
