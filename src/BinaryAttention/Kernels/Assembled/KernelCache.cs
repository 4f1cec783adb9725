// Generated code by specification: made once, on first use, by whichever thread comes first; the others wait for it.
using System.Collections.Concurrent;
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

internal static class KernelCache
{
    private static readonly ConcurrentDictionary<KernelSpecification, Lazy<MachineCode>> s_kernels = new();

    public static MachineCode Get(KernelSpecification specification) =>
        Made(specification, s_kernels.GetOrAdd(specification, static key => new Lazy<MachineCode>(() => Make(key))));

    /// <summary>The bytes of a kernel for one of the calling conventions.</summary>
    public static byte[] Assemble(KernelSpecification specification, bool isWindows)
    {
        using var stream = new MemoryStream();
        _ = TileKernelEmitter.Emit(specification, isWindows).Assemble(new StreamCodeWriter(stream), rip: 0);
        return stream.ToArray();
    }

    // A failure, such as memory that the system refused once, is not kept.
    private static MachineCode Made(KernelSpecification specification, Lazy<MachineCode> kernel)
    {
        try
        {
            return kernel.Value;
        }
        catch
        {
            _ = s_kernels.TryRemove(new KeyValuePair<KernelSpecification, Lazy<MachineCode>>(specification, kernel));
            throw;
        }
    }

    private static MachineCode Make(KernelSpecification specification) =>
        MachineCode.Make(specification.ToString(), Assemble(specification, OperatingSystem.IsWindows()), ShortBlocks(specification));

    // A row of a block takes sixteen products for each vector of channels and one count for each plane, two a cycle: 16 blocks, 1024 keys, in the usual tile of 6 rows, 4 vectors and 8 planes.
    private static int ShortBlocks(KernelSpecification specification)
    {
        const int ShortWork = 16 * 6 * ((16 * 4) + 8);
        TileShape tile = specification.Tile;
        return ShortWork / (tile.Rows * ((16 * tile.Vectors) + specification.Planes));
    }
}
