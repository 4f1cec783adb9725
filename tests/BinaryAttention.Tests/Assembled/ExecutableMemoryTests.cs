// Memory for generated code: the way round systems that refuse to make written pages executable, and the reasons that are given where every way fails.
using BinaryAttention.Kernels.Assembled;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed unsafe class ExecutableMemoryTests
{
    [Fact]
    public void TwoMappings_GiveCodeThatRuns_AndThatNobodyCanWrite()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "x64 Linux alone");
        Assert.SkipUnless(ExecutableMemory.WhyNot is null, ExecutableMemory.WhyNot ?? string.Empty);

        // mov eax, 1234; ret
        void* code = ExecutableMemory.SealByTwoMappings([0xB8, 0xD2, 0x04, 0x00, 0x00, 0xC3]);
        Assert.True(code is not null, "the system refuses a second view");
        Assert.Equal(1234, ((delegate* unmanaged<int>)code)());
        string view = File.ReadLines("/proc/self/maps").Single(line => line.StartsWith(((nint)code).ToString("x", System.Globalization.CultureInfo.InvariantCulture) + "-", StringComparison.Ordinal));
        Assert.Contains(" r-xs ", view, StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_HaveReasons()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsWindows(), "no code is generated elsewhere");
        Assert.Contains("forbids", ExecutableMemory.Probe(static _ => throw new InvalidOperationException()), StringComparison.Ordinal);
        Assert.Contains("EntryPointNotFoundException", ExecutableMemory.Probe(static _ => throw new EntryPointNotFoundException()), StringComparison.Ordinal);
        Assert.Contains("DllNotFoundException", ExecutableMemory.Probe(static _ => throw new DllNotFoundException()), StringComparison.Ordinal);
        Assert.Null(ExecutableMemory.Probe(static _ => null));
    }
}
