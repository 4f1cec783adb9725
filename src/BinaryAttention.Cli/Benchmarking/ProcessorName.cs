// The processor's brand: CPUID leaves 0x80000002-4 on x86, the kernel's table on Linux, else the architecture.
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace BinaryAttention.Cli.Benchmarking;

internal static class ProcessorName
{
    private const int HighestExtendedLeaf = unchecked((int)0x80000000);
    private const int FirstBrandLeaf = unchecked((int)0x80000002);
    private const int BrandLeaves = 3;

    public static string Read() => FromCpuId() ?? FromLinux() ?? RuntimeInformation.ProcessArchitecture.ToString();

    private static string? FromCpuId()
    {
        if (!X86Base.IsSupported || (uint)X86Base.CpuId(HighestExtendedLeaf, 0).Eax < unchecked((uint)(FirstBrandLeaf + BrandLeaves - 1)))
        {
            return null;
        }

        Span<int> words = stackalloc int[4 * BrandLeaves];
        for (int leaf = 0; leaf < BrandLeaves; leaf++)
        {
            (words[4 * leaf], words[(4 * leaf) + 1], words[(4 * leaf) + 2], words[(4 * leaf) + 3]) = X86Base.CpuId(FirstBrandLeaf + leaf, 0);
        }

        string name = Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words)).Trim('\0', ' ');
        return name.Length == 0 ? null : name;
    }

    private static string? FromLinux()
    {
        const string Table = "/proc/cpuinfo";
        string? line = File.Exists(Table) ? File.ReadLines(Table).FirstOrDefault(entry => entry.StartsWith("model name", StringComparison.OrdinalIgnoreCase)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
