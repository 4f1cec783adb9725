// The same bits at any number of threads, from any kind of memory, and from a plan.
using System.Numerics.Tensors;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class DeterminismTests
{
    private const int Exact = 3;

    // Three quantisations and exact attention, with and without a bias.
    public static TheoryData<string, int, BiasForm> Modes()
    {
        var data = new TheoryData<string, int, BiasForm>();
        foreach (string kernel in ContractCases.AllKernels)
        {
            for (int mode = 0; mode <= Exact; mode++)
            {
                data.Add(kernel, mode, BiasForm.None);
                data.Add(kernel, mode, BiasForm.DensePerHead);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void SameBits_AtAnyThreadCount(string kernel, int mode, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase attentionCase = Case(mode, bias);
        AttentionResult expected = Run(attentionCase, mode, kernel, threads: 1);
        foreach (int threads in (int[])[2, 3, 7])
        {
            Bits.Equal(expected, Run(attentionCase, mode, kernel, threads));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void SameBits_FromEveryLayout(string kernel, int mode, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = Case(mode, bias);
        AttentionResult expected = Run(c, mode, kernel, threads: 1);
        Bits.Equal(expected, Run(c with { Layout = TensorLayout.TokenHeadDimension }, mode, kernel, threads: 1));
        Bits.Equal(expected.Output, FromTensors(c, mode, kernel), "tensors");
        Bits.Equal(expected.Output, FromPermutedTensors(c, mode, kernel), "permuted tensors");
    }

    // One third of a fused projection [batch, tokens, 3, heads, dimension], with NaN everywhere that must not be read and an odd offset.
    [Theory]
    [MemberData(nameof(Modes))]
    public void SameBits_FromAFusedProjection(string kernel, int mode, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = Case(mode, bias) with { KeyHeads = 4, Keys = 19, ValueDimension = 33, Queries = 19 };
        AttentionResult expected = Run(c, mode, kernel, threads: 1);
        Operands operands = c.MakeOperands();
        const int Padding = 5;
        int width = c.Heads * c.HeadDimension;
        int stride = (3 * width) + Padding;
        const int Offset = 3;
        var fused = new float[Offset + (c.Batch * c.Queries * stride)];
        Array.Fill(fused, float.NaN);
        float[][] parts =
        [
            CaseRunner.SwapMiddle(operands.Query, c.Batch, c.Heads, c.Queries, c.HeadDimension),
            CaseRunner.SwapMiddle(operands.Key, c.Batch, c.Heads, c.Keys, c.HeadDimension),
            CaseRunner.SwapMiddle(operands.Value, c.Batch, c.Heads, c.Keys, c.ValueDimension),
        ];
        for (int part = 0; part < 3; part++)
        {
            for (int token = 0; token < c.Batch * c.Queries; token++)
            {
                parts[part].AsSpan(token * width, width).CopyTo(fused.AsSpan(Offset + (token * stride) + (part * width)));
            }
        }

        int destinationStride = (c.Heads * c.ValueDimension) + Padding;
        var destination = new float[1 + (c.Batch * c.Queries * destinationStride)];
        Array.Fill(destination, float.NaN);
        AttentionShape shape = c.Shape with { QueryTokenStride = stride, KeyTokenStride = stride, ValueTokenStride = stride, DestinationTokenStride = destinationStride };
        AttentionCase tokensFirst = c with { Layout = TensorLayout.TokenHeadDimension };
        if (mode == Exact)
        {
            Attention.ScaledDotProduct(fused.AsSpan(Offset), fused.AsSpan(Offset + width), fused.AsSpan(Offset + (2 * width)), destination.AsSpan(1), shape, tokensFirst.ExactOptions(kernel));
        }
        else
        {
            Attention.BinaryScaledDotProduct(fused.AsSpan(Offset), fused.AsSpan(Offset + width), fused.AsSpan(Offset + (2 * width)), destination.AsSpan(1), shape, tokensFirst.BinaryOptions(kernel));
        }

        var dense = new float[expected.Output.Length];
        for (int token = 0; token < c.Batch * c.Queries; token++)
        {
            Span<float> row = destination.AsSpan(1 + (token * destinationStride), destinationStride);
            row[..(c.Heads * c.ValueDimension)].CopyTo(dense.AsSpan(token * c.Heads * c.ValueDimension));
            foreach (float gap in row[(c.Heads * c.ValueDimension)..])
            {
                Assert.True(float.IsNaN(gap), "a gap between destination tokens was written");
            }
        }

        Bits.Equal(expected.Output, CaseRunner.SwapMiddle(dense, c.Batch, c.Queries, c.Heads, c.ValueDimension), "fused");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void SameBits_FromAPlan(string kernel, int mode, BiasForm bias)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = Case(mode, bias);
        AttentionResult expected = Run(c, mode, kernel, threads: 1);
        Operands operands = c.MakeOperands();
        using AttentionPlan plan = AttentionPlan.Create(c.Shape, mode == Exact ? c.ExactOptions(kernel) : c.BinaryOptions(kernel));
        Assert.Equal((mode == Exact ? c.ExactOptions(kernel) : c.BinaryOptions(kernel)).Kernel ?? plan.Kernel.Name, plan.Kernel.Name);
        float[] key = (float[])operands.Key.Clone();
        float[] value = (float[])operands.Value.Clone();
        plan.SetKeyValue(key, value);
        Array.Fill(key, float.NaN);
        Array.Fill(value, float.NaN);
        var output = new float[expected.Output.Length];
        var logSumExp = new float[expected.LogSumExp.Length];
        plan.Run(operands.Query, output, logSumExp);
        Bits.Equal(expected, new AttentionResult(output, logSumExp));

        float[] other = Inputs.Gaussian(77, operands.Query.Length, 3f);
        var otherOutput = new float[output.Length];
        plan.Run(other, otherOutput);
        Bits.Equal(Run(c, mode, kernel, 1, operands with { Query = other }).Output, otherOutput, "other queries");

        // A query with a NaN must leave nothing behind.
        other[0] = float.NaN;
        plan.Run(other, otherOutput);
        plan.Run(operands.Query, output, logSumExp);
        Bits.Equal(expected, new AttentionResult(output, logSumExp));

        // New keys and values replace the old ones wholly.
        plan.SetKeyValue(Inputs.Gaussian(78, key.Length), Inputs.Gaussian(79, value.Length));
        plan.SetKeyValue(operands.Key, operands.Value);
        plan.Run(operands.Query, output, logSumExp);
        Bits.Equal(expected, new AttentionResult(output, logSumExp));
    }

    private static AttentionCase Case(int mode, BiasForm bias) => new()
    {
        Batch = 2, Heads = 4, KeyHeads = 2, Queries = 61, Keys = 70, HeadDimension = 33, ValueDimension = 20, Bias = bias, Quantization = (ValueQuantization)(mode % Exact), Layout = TensorLayout.HeadTokenDimension,
    };

    private static AttentionResult Run(AttentionCase c, int mode, string kernel, int threads) => Run(c, mode, kernel, threads, c.MakeOperands());

    private static AttentionResult Run(AttentionCase c, int mode, string kernel, int threads, Operands operands) =>
        mode == Exact ? CaseRunner.Exact(c, operands, kernel, threads) : CaseRunner.Binary(c, operands, kernel, threads);

    private static float[] FromTensors(AttentionCase c, int mode, string kernel)
    {
        Operands operands = c.MakeOperands();
        Tensor<float> query = Tensor.Create(operands.Query, [c.Batch, c.Heads, c.Queries, c.HeadDimension]);
        Tensor<float> key = Tensor.Create(operands.Key, [c.Batch, c.KeyHeads, c.Keys, c.HeadDimension]);
        Tensor<float> value = Tensor.Create(operands.Value, [c.Batch, c.KeyHeads, c.Keys, c.ValueDimension]);
        var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        Call(c, mode, kernel, query, key, value, Tensor.Create(output, [c.Batch, c.Heads, c.Queries, c.ValueDimension]));
        return output;
    }

    // Memory with tokens before heads, seen through PermuteDimensions as heads before tokens.
    private static float[] FromPermutedTensors(AttentionCase c, int mode, string kernel)
    {
        Operands operands = c.MakeOperands();
        Tensor<float> query = Permuted(CaseRunner.SwapMiddle(operands.Query, c.Batch, c.Heads, c.Queries, c.HeadDimension), c.Batch, c.Queries, c.Heads, c.HeadDimension);
        Tensor<float> key = Permuted(CaseRunner.SwapMiddle(operands.Key, c.Batch, c.KeyHeads, c.Keys, c.HeadDimension), c.Batch, c.Keys, c.KeyHeads, c.HeadDimension);
        Tensor<float> value = Permuted(CaseRunner.SwapMiddle(operands.Value, c.Batch, c.KeyHeads, c.Keys, c.ValueDimension), c.Batch, c.Keys, c.KeyHeads, c.ValueDimension);
        var output = new float[c.Batch * c.Heads * c.Queries * c.ValueDimension];
        Call(c, mode, kernel, query, key, value, Permuted(output, c.Batch, c.Queries, c.Heads, c.ValueDimension));
        return CaseRunner.SwapMiddle(output, c.Batch, c.Queries, c.Heads, c.ValueDimension);
    }

    private static Tensor<float> Permuted(float[] values, int batch, int tokens, int heads, int dimension) =>
        Tensor.PermuteDimensions(Tensor.Create(values, [batch, tokens, heads, dimension]), [0, 2, 1, 3]);

    private static void Call(AttentionCase c, int mode, string kernel, Tensor<float> query, Tensor<float> key, Tensor<float> value, Tensor<float> destination)
    {
        if (mode == Exact)
        {
            Attention.ScaledDotProduct(query.AsReadOnlyTensorSpan(), key.AsReadOnlyTensorSpan(), value.AsReadOnlyTensorSpan(), destination.AsTensorSpan(), c.ExactOptions(kernel));
        }
        else
        {
            Attention.BinaryScaledDotProduct(query.AsReadOnlyTensorSpan(), key.AsReadOnlyTensorSpan(), value.AsReadOnlyTensorSpan(), destination.AsTensorSpan(), c.BinaryOptions(kernel));
        }
    }
}
