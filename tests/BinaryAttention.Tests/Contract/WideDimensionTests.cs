// Head dimensions beyond 65,535: a distance does not fit 16 bits either.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class WideDimensionTests
{
    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.AllKernels);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void DistancesBeyondSixteenBits_AreCounted(string kernel)
    {
        ContractCases.RequireUsable(kernel);
        const int Dimension = 70_000;
        var query = new float[Dimension];
        Array.Fill(query, 1f);
        var key = new float[2 * Dimension];
        Array.Fill(key, 1f);

        // Key 0 is the farthest there is (70,000 = 65,536 + 4,464), key 1 disagrees in 5,000 channels.
        Array.Fill(key, -1f, 0, Dimension);
        Array.Fill(key, -1f, Dimension, 5_000);
        foreach (ValueQuantization quantization in Enum.GetValues<ValueQuantization>())
        {
            foreach (SignWeighting weighting in (SignWeighting[])[SignWeighting.MeanMagnitudePerHead, SignWeighting.MeanMagnitudePerToken])
            {
                var destination = new float[1];
                var options = new BinaryAttentionOptions { Quantization = quantization, Weighting = weighting };
                var shape = new AttentionShape(1, 1, 1, 2, Dimension, 1);
                Attention.BinaryScaledDotProduct(query, key, [1f, 2f], destination, shape, options with { Kernel = KernelPreference.NameOrBest(kernel, shape, options) });
                Assert.Equal(2f, destination[0], 0.01f);
            }
        }
    }
}
