// The forms for devices without the native one-bit and-popcount give the CPU's bits too: sm_75 (xor in tiles of 8 x 8, plain copies) and sm_100 / sm_120 (signs as bytes).
using BinaryAttention.Cuda.Kernels;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class SignProductFormTests
{
    public static TheoryData<int, int, int, int, int> Sizes()
    {
        var data = new TheoryData<int, int, int, int, int>();
        foreach (int computeCapability in (int[])[75, 100])
        {
            data.Add(computeCapability, 1, 1, 1, 1);
            data.Add(computeCapability, 31, 37, 37, 31);
            data.Add(computeCapability, 64, 65, 130, 32);
            data.Add(computeCapability, 65, 64, 63, 65);
            data.Add(computeCapability, 96, 100, 197, 40);
            data.Add(computeCapability, 128, 70, 300, 128);
        }

        return data;
    }

    [Theory]
    [InlineData(75, SignProductForm.XorPopcount, "compute capability 7.5 has no and-popcount")]
    [InlineData(80, SignProductForm.AndPopcount, "one-bit and-popcount")]
    [InlineData(89, SignProductForm.AndPopcount, "one-bit and-popcount")]
    [InlineData(90, SignProductForm.AndPopcount, "one-bit and-popcount")]
    [InlineData(100, SignProductForm.SignedBytes, "compute capability 10.0 has no one-bit matrix product")]
    [InlineData(120, SignProductForm.SignedBytes, "compute capability 12.0 has no one-bit matrix product")]
    internal void Form_FollowsTheDevice(int computeCapability, SignProductForm form, string words)
    {
        Assert.Equal(form, SignProductForms.Of(computeCapability));
        Assert.Contains(words, SignProductForms.Describe(computeCapability), StringComparison.Ordinal);
        Assert.Null(SignProductForms.WhyNone(computeCapability));
        Assert.Contains("7.0 has no one-bit matrix product", SignProductForms.WhyNone(70), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Matches_Reference_AtEverySize(int computeCapability, int headDimension, int queryLength, int keyLength, int valueDimension) =>
        ParityTests.Check(CudaSpecification.Dense(new AttentionShape(1, 1, queryLength, keyLength, headDimension, valueDimension)) with { WantsLogSumExp = true }, headDimension + keyLength, computeCapability: computeCapability);

    [Theory]
    [InlineData(75, 64, true)]
    [InlineData(75, 128, false)]
    [InlineData(100, 40, true)]
    [InlineData(100, 100, false)]
    public void Matches_Reference_InMasksWeightsAndScales(int computeCapability, int dimension, bool isPerToken)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(2, 2, 80, 90, dimension, 32) { KeyHeadCount = 1 }) with
        {
            IsCausal = true,
            HasKeyLengths = true,
            WantsLogSumExp = true,
            Rows = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead,
        };
        ParityTests.Check(specification, 5, [90, 33], computeCapability);
        ParityTests.Check(specification with { LogitScale = -0.3f, SignOfZero = SignOfZero.Negative }, 6, [1, 70], computeCapability);
    }

    [Theory]
    [InlineData(75, "Float16")]
    [InlineData(75, "BFloat16")]
    [InlineData(120, "BFloat16")]
    public void Matches_Reference_InHalfPrecision(int computeCapability, string type) =>
        ParityTests.Check(CudaSpecification.Dense(new AttentionShape(1, 1, 30, 70, 59, 59)) with { InputType = Enum.Parse<CudaElement>(type), OutputType = Enum.Parse<CudaElement>(type) }, 9, computeCapability: computeCapability);

    [Theory]
    [InlineData(75)]
    [InlineData(100)]
    public void Matches_Reference_WhenSumsAreFlushed_AndWhereInputsAreNotFinite(int computeCapability)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, 70, 300, 40, 40)) with { ChunkTiles = 2 };
        ParityTests.Check(specification, 13, computeCapability: computeCapability);
        CudaSpecification few = CudaSpecification.Dense(new AttentionShape(1, 1, 20, 30, 16, 8));
        float[] value = ParityTests.Gaussian(30 * 8, 3);
        value[3] = float.PositiveInfinity;
        ParityTests.Compare(few, ParityTests.Gaussian(20 * 16, 1), ParityTests.Gaussian(30 * 16, 2), value, null, computeCapability);
    }

    [Theory]
    [InlineData(75, ".target sm_75", ".xor.popc")]
    [InlineData(86, ".target sm_80", ".and.popc")]
    [InlineData(100, ".target sm_80", ".s8.s8.")]
    [InlineData(121, ".target sm_80", ".s8.s8.")]
    public void Modules_NameTheOldestTargetThatHasTheirInstructions(int computeCapability, string target, string product)
    {
        AttentionProgram program = AttentionProgram.For(CudaSpecification.Dense(new AttentionShape(1, 1, 100, 100, 64, 64)) with { OutputType = CudaElement.BFloat16 }, computeCapability);
        Assert.All(program.Steps.SkipLast(1), static step => Assert.Contains(".target sm_75\n", step.Module.Source, StringComparison.Ordinal));
        string attention = program.Steps[^1].Module.Source;
        Assert.Contains(target, attention, StringComparison.Ordinal);
        Assert.Contains(product, attention, StringComparison.Ordinal);
        Assert.Equal(product == ".s8.s8.", !attention.Contains(".b1.b1.", StringComparison.Ordinal));
    }

    /// <summary>What a block may ask for: 64 KiB on 7.5, 99 KiB on 8.6, 8.9 and 12.0, the least of the later ones.</summary>
    [Theory]
    [InlineData(75, 64)]
    [InlineData(80, 99)]
    [InlineData(100, 99)]
    public void SharedMemory_FitsTheDevice(int computeCapability, int kibibytes)
    {
        CudaSpecification wide = CudaSpecification.Dense(new AttentionShape(1, 1, 500, 500, 128, 128));
        foreach (CudaSpecification specification in (CudaSpecification[])
        [
            wide,
            wide with { Rows = SignWeightingMode.MeanMagnitudePerToken, HasPairs = true },
            wide with { Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(20, 25, false, 1) },
            CudaSpecification.Dense(new AttentionShape(1, 1, 500, 500, 64, 128)),
        ])
        {
            Assert.InRange(AttentionProgram.For(specification, computeCapability).Steps[^1].Module.DynamicSharedBytes, 1, kibibytes * 1024);
        }
    }
}
