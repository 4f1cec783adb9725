// Finite operands whose logits do not fit float32: with a bias, per-key weights or in Full mode the rows are still softmax rows, not NaN and not masked.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class LogitsBeyondFloatTests
{
    private const int Keys = 21;

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.AllKernels);

    public static TheoryData<string, WeightingForm, ValueQuantization, bool> Modes()
    {
        var data = new TheoryData<string, WeightingForm, ValueQuantization, bool>();
        foreach (string kernel in ContractCases.AllKernels)
        {
            foreach (WeightingForm weighting in (WeightingForm[])[WeightingForm.PerHead, WeightingForm.PerToken])
            {
                foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
                {
                    data.Add(kernel, weighting, quantization, false);
                    data.Add(kernel, weighting, quantization, true);
                }
            }
        }

        return data;
    }

    // All keys opposite to the query: every logit is below -3.4e38, and all are equal.
    [Theory]
    [MemberData(nameof(Modes))]
    public void EqualLogitsBelowFloat_GiveTheMean(string kernel, WeightingForm weighting, ValueQuantization quantization, bool hasBias) =>
        Check(kernel, weighting, quantization, hasBias, queryMagnitude: 1e20f, keyMagnitude: 1e20f, scale: null, isOpposite: static _ => true, float.NegativeInfinity);

    // Half of the keys agree with the query: logits of both infinities.
    [Theory]
    [MemberData(nameof(Modes))]
    public void LogitsOfBothInfinities_GiveTheMeanOfTheNearest(string kernel, WeightingForm weighting, ValueQuantization quantization, bool hasBias) =>
        Check(kernel, weighting, quantization, hasBias, queryMagnitude: 1e20f, keyMagnitude: 1e20f, scale: null, isOpposite: static key => key % 2 == 1, float.PositiveInfinity);

    // The row's own factor is beyond float32 and the keys' weight is 0: infinity times 0.
    [Theory]
    [MemberData(nameof(Modes))]
    public void ZeroKeys_GiveTheMean_WhateverTheQueryWeighs(string kernel, WeightingForm weighting, ValueQuantization quantization, bool hasBias) =>
        Check(kernel, weighting, quantization, hasBias, queryMagnitude: 1e38f, keyMagnitude: 0f, scale: 100f, isOpposite: static _ => false, (float)Math.Log(hasBias ? Keys - 1 : Keys));

    // The bias of a query centre and the caller's bias are each within float32, their sum is not.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void BiasesWhoseSumLeavesFloat_GiveNoNaN(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = new() { Queries = 7, Keys = Keys, HeadDimension = 16, ValueDimension = 5, Mask = MaskParts.Causal };
        Operands operands = c.MakeOperands();
        var centre = new float[16];
        centre[0] = 1e38f;
        var bias = new float[Keys];
        Array.Fill(bias, 3e38f);
        bias[3] = float.NegativeInfinity;
        for (int key = 0; key < Keys; key++)
        {
            operands.Key[key * 16] = 100f;
        }

        foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
        {
            BinaryAttentionOptions options = c.BinaryOptions(kernel) with { Quantization = quantization, Bias = AttentionBias.PerKey(bias, 1, 1, Keys), Calibration = new() { QueryCentre = centre } };
            Assert.All(CaseRunner.Run(c, operands, options, isBinary: true).Output, value => Assert.True(float.IsFinite(value)));
        }
    }

    private static void Check(string kernel, WeightingForm weighting, ValueQuantization quantization, bool hasBias, float queryMagnitude, float keyMagnitude, float? scale, Func<int, bool> isOpposite, float logSumExp)
    {
        ContractCases.RequireUsable(kernel);
        foreach (int dimension in (int[])[8, 300])
        {
            // The bias masks key 0 and is 0 elsewhere.
            var biasValues = new float[Keys];
            biasValues[0] = float.NegativeInfinity;
            var query = new float[dimension];
            Array.Fill(query, queryMagnitude);
            var key = new float[Keys * dimension];
            var value = new float[Keys];
            for (int token = 0; token < Keys; token++)
            {
                Array.Fill(key, isOpposite(token) ? -keyMagnitude : keyMagnitude, token * dimension, dimension);
                value[token] = token;
            }

            int[] nearest = [.. Enumerable.Range(0, Keys).Where(token => (token > 0 || !hasBias) && (!isOpposite(token) || Enumerable.Range(0, Keys).All(isOpposite)))];
            double levels = quantization == ValueQuantization.TrainingParity ? Math.Round(255.0 / nearest.Length) * nearest.Length / 255.0 : 1;
            var options = new BinaryAttentionOptions
            {
                LogitScale = scale,
                Quantization = quantization,
                Weighting = weighting == WeightingForm.PerHead ? SignWeighting.MeanMagnitudePerHead : SignWeighting.MeanMagnitudePerToken,
                Bias = hasBias ? AttentionBias.PerKey(biasValues, 1, 1, Keys) : null,
            };
            var shape = new AttentionShape(1, 1, 1, Keys, dimension, 1);
            var destination = new float[1];
            var rowLogSumExp = new float[1];
            Attention.BinaryScaledDotProduct(query, key, value, destination, shape, options with { Kernel = KernelPreference.NameOrBest(kernel, shape, options) }, rowLogSumExp);
            Assert.Equal(nearest.Average() * levels, destination[0], quantization == ValueQuantization.Full ? 1e-5 : 0.05);
            Assert.Equal(logSumExp, rowLogSumExp[0], 1e-5f);
        }
    }
}
