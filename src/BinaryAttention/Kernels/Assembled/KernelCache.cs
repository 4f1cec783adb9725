// Generated code by specification: made once, on first use, by whichever thread comes first; the others wait for it.
using System.Collections.Concurrent;
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

internal static class KernelCache
{
    private static readonly ConcurrentDictionary<KernelSpecification, Lazy<MachineCode>> s_kernels = new();

    public static MachineCode Get(KernelSpecification specification) =>
        s_kernels.GetOrAdd(specification, static key => new Lazy<MachineCode>(() => Make(key))).Value;

    /// <summary>The bytes of a kernel for one of the calling conventions.</summary>
    public static byte[] Assemble(KernelSpecification specification, bool isWindows)
    {
        using var stream = new MemoryStream();
        _ = TileKernelEmitter.Emit(specification, isWindows).Assemble(new StreamCodeWriter(stream), rip: 0);
        return stream.ToArray();
    }

    private static MachineCode Make(KernelSpecification specification)
    {
        var code = new MachineCode(specification.ToString(), Assemble(specification, OperatingSystem.IsWindows()));
        Listing.Write(code);
        PerfMap.Write(code);
        return code;
    }
}
