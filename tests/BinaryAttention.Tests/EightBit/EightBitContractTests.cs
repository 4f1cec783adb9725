// Every kernel that takes 8-bit attention, at every vector width, against the reference; the same bits at any number of threads and through a plan.
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.EightBit;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Reference;
using BinaryAttention.Shapes;
using BinaryAttention.Tests.Contract;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.EightBit;

public sealed class EightBitContractTests
{
    public static TheoryData<AttentionCase> Cases() => [.. EightBitCases.All];

    public static TheoryData<string> Widths() => ["128", "256", "512", "vnni"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Simd_MatchesReference(AttentionCase attentionCase)
    {
        Operands operands = attentionCase.MakeOperands();
        Assert.Null(Violation(attentionCase, operands, EightBitCases.Run(attentionCase, operands, "simd")));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void EveryWidth_MatchesReference(string width)
    {
        Func<AttentionSpecification, KernelRun>? create = width switch
        {
            "128" => Vector128.IsHardwareAccelerated ? static specification => new EightBitRun<Vector128<int>, IntegerLanes128, Vector128<float>, FloatLanes128>(specification) : null,
            "256" => CpuFeatures.Current.Avx2 ? static specification => new EightBitRun<Vector256<int>, IntegerLanes256, Vector256<float>, FloatLanes256>(specification) : null,
            "512" => CpuFeatures.Current.Avx512BW ? static specification => new EightBitRun<Vector512<int>, IntegerLanes512, Vector512<float>, FloatLanes512>(specification) : null,
            _ => CpuFeatures.Current is { AvxVnni: true, Avx2: true } ? static specification => new EightBitRun<Vector256<int>, IntegerLanesVnni, Vector256<float>, FloatLanes256>(specification) : null,
        };
        Assert.SkipWhen(create is null, $"this machine has no {width} vectors");
        foreach (AttentionCase c in EightBitCases.All.Where(static (_, index) => index % 3 == 0))
        {
            Operands operands = c.MakeOperands();
            Assert.True(Violation(c, operands, Direct(c with { Layout = TensorLayout.HeadTokenDimension, TokenGap = 0 }, operands, create!)) is null, c.ToString());
        }
    }

    [Theory]
    [InlineData(ValueQuantization.Tiled)]
    [InlineData(ValueQuantization.Full)]
    public void SameBits_AtAnyThreadCountAndFromAPlan(ValueQuantization quantization)
    {
        AttentionCase c = new() { Batch = 2, Heads = 4, KeyHeads = 2, Queries = 65, Keys = 197, Quantization = quantization, Bias = BiasForm.DensePerHead, Mask = MaskParts.Causal };
        Operands operands = c.MakeOperands();
        AttentionResult expected = EightBitCases.Run(c, operands, null, threads: 1);
        foreach (int threads in (int[])[2, 3, 7])
        {
            Equal(expected, EightBitCases.Run(c, operands, null, threads));
        }

        Equal(expected, CaseRunner.Plan(c, operands, EightBitCases.Options(c)));
        Equal(expected, EightBitCases.Run(c with { Layout = TensorLayout.TokenHeadDimension, TokenGap = 5 }, operands, null));
        using var plan = AttentionPlan.Create(c.Shape, EightBitCases.Options(c));
        Assert.Equal(CpuFeatures.Current.Vector128 ? "simd" : "reference", plan.Kernel.Name);
        var output = new float[expected.Output.Length];
        for (int run = 0; run < 2; run++)
        {
            plan.SetKeyValue(operands.Key, operands.Value);
            plan.Run(operands.Query, output);
            Assert.Equal(expected.Output, output);
        }
    }

    [Fact]
    public void Levels_AreTheSameNumbersInEveryKernel()
    {
        // Integer stages agree bit for bit.
        foreach (AttentionCase c in EightBitCases.All.Where(static c => c is { Bias: BiasForm.None, Quantization: ValueQuantization.Tiled, Inputs: InputKind.Gaussian or InputKind.Offset }))
        {
            Operands operands = c.MakeOperands();
            var head = new ReferenceEightBitHead(EightBitCases.Inputs(c, operands), 0, 0);
            unsafe
            {
                var row = new sbyte[((c.HeadDimension + 7) / 8 * 8) + 8];
                fixed (float* query = operands.Query)
                {
                    fixed (sbyte* levels = row)
                    {
                        for (int token = 0; token < head.QueryLevels.Length; token++)
                        {
                            float scale = BinaryAttention.Quantization.TokenQuantizer.Quantize(query + (token * c.HeadDimension), null, c.HeadDimension, levels);
                            Assert.Equal(head.QueryScales[token], scale);
                            Assert.Equal(head.QueryLevels[token], row[..c.HeadDimension].Select(static level => (int)level));
                        }
                    }
                }
            }
        }
    }

    private static string? Violation(AttentionCase c, Operands operands, AttentionResult actual)
    {
        ReferenceInputs inputs = EightBitCases.Inputs(c, operands);
        AttentionResult expected = EightBitCases.Run(c, operands, "reference");
        return c.Quantization == ValueQuantization.Full
            ? LogModeBound.FloatViolation(inputs, expected, actual, operands.Value.Where(float.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max())
            : LogModeBound.TiledViolation(inputs, EightBitCases.Run(c with { Quantization = ValueQuantization.Full }, operands, "reference"), expected, actual);
    }

    private static unsafe AttentionResult Direct(AttentionCase c, Operands operands, Func<AttentionSpecification, KernelRun> create)
    {
        var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        var logSumExp = new float[c.Batch * c.Heads * c.Queries];
        (OperandExtent query, OperandExtent key, OperandExtent value, OperandExtent destination) = ShapeChecks.Extents(c.Shape, c.Layout);
        using KernelRun run = create(SpecificationBuilder.BuildEightBit(c.Shape, EightBitCases.Options(c, threads: 1)));
        fixed (float* queryData = operands.Query, keyData = operands.Key, valueData = operands.Value, destinationData = output, logSumExpData = logSumExp)
        {
            run.SetKeyValue(key.View(keyData), value.View(valueData), CancellationToken.None);
            run.SetQuery(query.View(queryData), CancellationToken.None);
            run.Attend(destination.View(destinationData), logSumExpData, CancellationToken.None);
        }

        return new AttentionResult(output, logSumExp);
    }

    private static void Equal(AttentionResult expected, AttentionResult actual)
    {
        Assert.Equal(expected.Output, actual.Output);
        Assert.Equal(expected.LogSumExp, actual.LogSumExp);
    }
}
