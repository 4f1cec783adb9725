// The contract and the vector parts again with instruction sets switched off in the runtime, which also changes the code that the compiler makes of portable vectors.
// (On .NET 10 the switch for AVX-512 is EnableAVX512; EnableAVX512F does nothing.)
using BinaryAttention.Tests.Contract;
using BinaryAttention.Tests.Processes.Children;
using Xunit;

namespace BinaryAttention.Tests.Processes;

public sealed class InstructionSetTests
{
    // Not made in a child, which skips before it is asked for.
    private static readonly Lazy<string> ExpectedReferenceBits = new(() => SwitchedOffTests.ReferenceBits(ContractCases.ChildSelection(ContractCases.TableMode)));

    public static TheoryData<string, string> Switches() => new()
    {
        { "DOTNET_EnableAVX512", "Vector512;AVX-512 F+BW+DQ;AVX-512 VBMI" },
        { "DOTNET_EnableAVX2", "Vector256;Vector512;AVX2;AVX-VNNI;AVX-512 F+BW+DQ;AVX-512 VBMI" },
        { "DOTNET_EnableHWIntrinsic", "Vector128;Vector256;Vector512;AVX2;FMA;AVX-VNNI;AVX-512 F+BW+DQ;AVX-512 VBMI;AdvSimd;Arm dot product" },
    };

    [Theory]
    [MemberData(nameof(Switches))]
    public void Contract_HoldsWithout(string runtimeSwitch, string absentFeatures) => ChildProcess.Passes(
        new Dictionary<string, string>(StringComparer.Ordinal) { [runtimeSwitch] = "0", [SwitchedOffTests.AbsentVariable] = absentFeatures, [SwitchedOffTests.ReferenceBitsVariable] = ExpectedReferenceBits.Value },
        "--filter-namespace",
        "BinaryAttention.Tests.Contract",
        "BinaryAttention.Tests.Matrix",
        "BinaryAttention.Tests.Simd",
        "BinaryAttention.Tests.Processes.Children");
}
