// Products and layers again with instruction sets or code generation switched off, which are read once at the start of a process: this program runs itself with other environment variables.
// (On .NET 10 the switch for AVX-512 is EnableAVX512; EnableAVX512F does nothing.)
using BinaryAttention.Models.LinearAlgebra;
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests.Processes;

public sealed class SwitchedOffTests
{
    private const string ExpectedVariable = "BINARYATTENTION_TEST_EXPECTED_KERNELS";

    [Theory]
    [InlineData("BINARYATTENTION_ASSEMBLED", "Byte256,Short512,Short256,Short128")]
    [InlineData("DOTNET_EnableAVX512", "Byte256,Short256,Short128")]
    [InlineData("DOTNET_EnableAVX2", "Short128")]
    [InlineData("DOTNET_EnableHWIntrinsic", "Short128")]
    public void ProductsAndLayers_HoldWithout(string name, string kernels)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(ExpectedVariable) is null, "children start no children");
        Assert.Null(ChildProgram.Failure(ChildProgram.Run(
            typeof(SwitchedOffTests).Assembly,
            new Dictionary<string, string>(StringComparer.Ordinal) { [ExpectedVariable] = kernels, [name] = "0" },
            "--filter-namespace", "BinaryAttention.Models.Tests.LinearAlgebra", "BinaryAttention.Models.Tests.Layers", "BinaryAttention.Models.Tests.Processes")));
    }

    // A machine may lack more than the switch turns off, never less.
    [Fact]
    public void SwitchTookEffect()
    {
        string? expected = Environment.GetEnvironmentVariable(ExpectedVariable);
        Assert.SkipWhen(expected is null, "run in a child process");
        string[] usable = [.. Enum.GetValues<EightBitKernel>().Where(EightBitKernels.IsSupported).Select(static kernel => kernel.ToString())];
        Assert.Subset(expected!.Split(',').ToHashSet(StringComparer.Ordinal), usable.ToHashSet(StringComparer.Ordinal));
    }
}
