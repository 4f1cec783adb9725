// Which calls the assembled kernel must take, by asking what a plan chose; and that what it leaves to others has a readable reason.
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Assembled;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed class CoverageTests
{
    private const string Name = "assembled-avx512";
    private const int Queries = 16;
    private const int Keys = 16;

    public static TheoryData<int, int> Sizes() => new() { { 1, 8 }, { 8, 128 }, { 63, 40 }, { 64, 64 }, { 65, 16 }, { 127, 72 }, { 128, 128 }, { 254, 64 }, { 64, 577 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Tiled_TableMode_WithEveryMask(int dimension, int valueDimension)
    {
        foreach (SignWeighting weighting in (SignWeighting[])[SignWeighting.MeanMagnitudePerHead, SignWeighting.PerTokenQuery, SignWeighting.None])
        {
            foreach (AttentionMask? mask in (AttentionMask?[])[null, AttentionMask.Causal, AttentionMask.Lengths(default, new[] { 9 }), AttentionMask.Boolean(new ulong[Queries]), AttentionMask.BlockSparse(new bool[1])])
            {
                Chosen(dimension, valueDimension, new BinaryAttentionOptions { Weighting = weighting, Mask = mask });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Tiled_LogMode_WithEveryBiasAndWeighting(int dimension, int valueDimension)
    {
        SignWeighting learned = SignWeighting.Learned(new float[Queries], new float[Keys]);
        foreach (SignWeighting weighting in (SignWeighting[])[SignWeighting.MeanMagnitudePerHead, SignWeighting.PerTokenQuery, SignWeighting.MeanMagnitudePerToken, learned])
        {
            foreach (AttentionBias? bias in Biases())
            {
                foreach (AttentionMask? mask in (AttentionMask?[])[null, AttentionMask.Causal, AttentionMask.Lengths(default, new[] { 9 })])
                {
                    Chosen(dimension, valueDimension, new BinaryAttentionOptions { Weighting = weighting, Bias = bias, Mask = mask });
                }
            }
        }
    }

    [Fact]
    public void MoreKeysThanThirtyTwoBitsOfNumerators_AreLeftToOthers()
    {
        const int TooMany = 16_843_010;
        AttentionSpecification specification = SpecificationBuilder.Build(new AttentionShape(1, 1, 1, TooMany, 1, 1) { KeyHeadCount = 1 }, new BinaryAttentionOptions(), isBinary: true);
        Assert.Contains("keyLength is 16843010", new AssembledKernel().WhyNot(specification), StringComparison.Ordinal);
        Assert.Null(new AssembledKernel().WhyNot(specification with { Shape = specification.Shape with { KeyLength = AssembledLimits.KeyLength } }));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TrainingParity(int dimension, int valueDimension)
    {
        foreach (AttentionBias? bias in Biases())
        {
            Chosen(dimension, valueDimension, new BinaryAttentionOptions { Quantization = ValueQuantization.TrainingParity, Bias = bias });
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void SecondPlanes(int dimension, int valueDimension)
    {
        foreach ((int queryPlanes, int keyPlanes) in ((int, int)[])[(1, 2), (2, 2)])
        {
            foreach (AttentionBias? bias in (AttentionBias?[])[null, AttentionBias.PerKey(new float[Keys], 1, 1, Keys)])
            {
                Chosen(dimension, valueDimension, new BinaryAttentionOptions { Weighting = SignWeighting.MeanMagnitudePerToken, QueryPlanes = queryPlanes, KeyPlanes = keyPlanes, Bias = bias });
            }
        }
    }

    [Fact]
    public void WhatIsLeft_HasAReason()
    {
        RequireUsable();
        IAttentionKernel kernel = KernelRegistry.Kernels.Single(candidate => candidate.Name == Name);
        Assert.Contains("exact attention", kernel.WhyNot(SpecificationBuilder.Build(Shape(64, 64), new AttentionOptions(), isBinary: false)), StringComparison.Ordinal);
        Assert.Contains("Full", kernel.WhyNot(SpecificationBuilder.Build(Shape(64, 64), new BinaryAttentionOptions { Quantization = ValueQuantization.Full }, isBinary: true)), StringComparison.Ordinal);
        Assert.Contains("headDimension is 300", kernel.WhyNot(SpecificationBuilder.Build(Shape(300, 64), new BinaryAttentionOptions(), isBinary: true)), StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFeatures_AreNamed()
    {
        IAttentionKernel kernel = KernelRegistry.Kernels.Single(candidate => candidate.Name == Name);
        RequireUsable();
        Assert.Contains("VNNI", kernel.WhyNot(CpuFeatures.Current with { Avx512Vnni = false }), StringComparison.Ordinal);
        Assert.Contains("BITALG", kernel.WhyNot(CpuFeatures.Current with { Avx512Bitalg = false }), StringComparison.Ordinal);
        Assert.Contains("VBMI", kernel.WhyNot(CpuFeatures.Current with { Avx512Vbmi = false }), StringComparison.Ordinal);
    }

    private static IEnumerable<AttentionBias?> Biases() =>
    [
        null, AttentionBias.PerKey(new float[Keys], 1, 1, Keys), AttentionBias.Dense(new float[Queries * Keys], 1, 1, Queries, Keys), AttentionBias.RelativePosition(new float[49], 1, 4, 4, false),
    ];

    private static AttentionShape Shape(int dimension, int valueDimension) => new(1, 1, Queries, Keys, dimension, valueDimension) { KeyHeadCount = 1 };

    private static void Chosen(int dimension, int valueDimension, BinaryAttentionOptions options)
    {
        RequireUsable();
        using AttentionPlan plan = AttentionPlan.Create(Shape(dimension, valueDimension), options);
        Assert.Equal(Name, plan.Kernel.Name);
    }

    private static void RequireUsable()
    {
        KernelDescription description = AttentionKernels.All.Single(kernel => kernel.Name == Name);
        Assert.SkipUnless(description.IsUsable, description.WhyNot ?? string.Empty);
        Assert.SkipWhen(Environment.GetEnvironmentVariable(KernelSelector.EnvironmentVariable) is { Length: > 0 }, "a kernel is forced");
    }
}
