// The surroundings of generated code: the switch, listings, sealed memory, the cache.
using BinaryAttention.Kernels.Assembled;
using BinaryAttention.Tests.Contract;
using BinaryAttention.Tests.Processes;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed class CodeGenerationTests
{
    [Fact]
    public void ByVariable_NoCodeIsGenerated()
    {
        Assert.SkipWhen(ContractCases.IsChild, "a child starts no children");
        ChildProcess.Passes(
            new Dictionary<string, string>(StringComparer.Ordinal) { [CodeGeneration.EnvironmentVariable] = "0" },
            "--filter-class",
            "BinaryAttention.Tests.Processes.Children.CodeGenerationOffTests");
    }

    // What looks into the generated code must not stop it.
    [Fact]
    public void AListingThatCannotBeWritten_IsLeftOut()
    {
        Assert.SkipWhen(ContractCases.IsChild, "a child starts no children");
        ChildProcess.Passes(new Dictionary<string, string>(StringComparer.Ordinal) { [Listing.EnvironmentVariable] = "/proc/nowhere" }, "--filter-class", "BinaryAttention.Tests.Assembled.WholeItemTests");
    }

    [Fact]
    public void EqualSpecifications_ShareOnePiece_WhicheverThreadAsksFirst()
    {
        Assert.SkipUnless(ExecutableMemory.WhyNot is null, ExecutableMemory.WhyNot ?? string.Empty);
        var specification = new KernelSpecification(TileShape.For(48), 3, KernelStages.SignDot, WideDistances: false);
        var found = new MachineCode[8];
        Parallel.For(0, found.Length, i => found[i] = KernelCache.Get(specification with { Planes = 3 }));
        Assert.All(found, code => Assert.Same(found[0], code));
    }

    [Fact]
    public void Tiles_FillTheRegisters()
    {
        for (int valueDimension = 1; valueDimension <= 300; valueDimension++)
        {
            foreach (TileShape tile in (TileShape[])[TileShape.For(valueDimension), TileShape.ForLogits(valueDimension)])
            {
                Assert.InRange(new RegisterPlan(tile).SideCount, 3, 12);
                Assert.InRange(tile.PanelChannels, 16, 64);
            }

            Assert.True(new RegisterPlan(TileShape.ForLogits(valueDimension)).SideCount >= 7);
        }
    }
}
