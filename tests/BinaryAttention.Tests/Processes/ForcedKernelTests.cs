// Forcing a kernel by environment variable, by option, and on a machine that cannot run it.
using BinaryAttention.Kernels;
using BinaryAttention.Tests.Processes.Children;
using Xunit;

namespace BinaryAttention.Tests.Processes;

public sealed class ForcedKernelTests
{
    private static readonly AttentionShape Shape = new(1, 1, 2, 3, 4, 5) { KeyHeadCount = 1 };

    [Theory]
    [InlineData("reference", "reference")]
    [InlineData("none-such", "refused")]
    [InlineData("", null)]
    public void ByVariable(string value, string? expected) => ChildProcess.Passes(
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [KernelSelector.EnvironmentVariable] = value,
            [ForcedByEnvironmentTests.ExpectedVariable] = expected ?? AttentionKernels.All.First(kernel => kernel.IsUsable).Name,
        },
        "--filter-class",
        "BinaryAttention.Tests.Processes.Children.ForcedByEnvironmentTests");

    [Theory]
    [InlineData("none such")]
    [InlineData("SIMD")]
    [InlineData("")]
    public void ByOption_UnknownNamesAreRefused_WithTheKnownOnes(string name)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => AttentionPlan.Create(Shape, new BinaryAttentionOptions { Kernel = name }));
        Assert.Contains($"AttentionOptions.Kernel names kernel \"{name}\", which does not exist", exception.Message, StringComparison.Ordinal);
        Assert.All(AttentionKernels.All, kernel => Assert.Contains($"\"{kernel.Name}\"", exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void WithoutVectors_TheReferenceIsChosen_AndOthersNameTheirReason()
    {
        CpuFeatures none = CpuFeatures.Current with { Vector128 = false };
        AttentionSpecification specification = SpecificationBuilder.Build(Shape, new BinaryAttentionOptions(), isBinary: true);
        Assert.SkipWhen(Environment.GetEnvironmentVariable(KernelSelector.EnvironmentVariable) is { Length: > 0 }, "a kernel is forced");
        Assert.Equal("reference", KernelSelector.Select(specification, null, none).Name);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => KernelSelector.Select(specification, "simd", none));
        Assert.Contains("switched off", refused.Message, StringComparison.Ordinal);
        ArgumentException unknown = Assert.Throws<ArgumentException>(() => KernelSelector.Select(specification, "?", none));
        Assert.Contains("\"simd\" (cannot run here: ", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("\"reference\"", unknown.Message, StringComparison.Ordinal);
        Assert.False(KernelRegistry.Describe(none).Single(kernel => kernel.Name == "simd").IsUsable);
    }
}
