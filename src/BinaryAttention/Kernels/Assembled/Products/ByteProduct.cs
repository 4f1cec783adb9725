// The generated product kernel, made on first use and callable from then on.
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled.Products;

internal static unsafe class ByteProduct
{
    private static readonly Lazy<nuint> s_entry = new(static () => Make());

    /// <summary>Why the kernel cannot run in this process, or null.</summary>
    public static string? WhyNot => CodeGeneration.WhyNot(CpuFeatures.Current);

    /// <summary>Computes one tile of <see cref="ByteProductEmitter.TileRows"/> rows and <see cref="ByteProductEmitter.Columns"/> columns.</summary>
    /// <param name="rows">Unsigned bytes; all the tile's rows must be readable.</param>
    /// <param name="rowBytes">Bytes from row to row, a whole number of <see cref="ByteProductEmitter.TurnBytes"/>, at least one; all are multiplied.</param>
    /// <param name="panel">The weights, <c>[rowBytes / 4, columns, 4]</c>.</param>
    /// <param name="sums">Receives <c>[rows, columns]</c>.</param>
    public static void Multiply(byte* rows, long rowBytes, sbyte* panel, int* sums)
    {
        // SAFETY: the code reads rows and panel up to the lengths that rowBytes implies, writes the sums and nothing else, calls nothing and cannot throw. A tile takes about a microsecond, so the
        // transition that lets the collector work meanwhile is left out.
        var arguments = new ByteProductArguments { Rows = rows, RowBytes = rowBytes, Turns = rowBytes / ByteProductEmitter.TurnBytes, Panel = panel, Sums = sums };
        ((delegate* unmanaged[SuppressGCTransition]<ByteProductArguments*, void>)s_entry.Value)(&arguments);
    }

    /// <summary>The kernel's bytes for one of the calling conventions.</summary>
    public static byte[] Assemble(bool isWindows)
    {
        using var stream = new MemoryStream();
        _ = ByteProductEmitter.Emit(isWindows).Assemble(new StreamCodeWriter(stream), rip: 0);
        return stream.ToArray();
    }

    private static nuint Make() => MachineCode.Make("byte-product", Assemble(OperatingSystem.IsWindows())).Address;
}
