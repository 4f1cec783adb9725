using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Tests.Calibration;

/// <summary>Activations of a made-up head: correlated channels with means, so that centring and rotating have something to do.</summary>
internal static class RandomHead
{
    public static HeadProjections Projections(int dimension, int width, int seed = 3) => new(
        RandomValues.Uniform(seed, dimension * width, 0.5f),
        RandomValues.Uniform(seed + 1, dimension, 1f),
        RandomValues.Uniform(seed + 2, dimension * width, 0.5f),
        RandomValues.Uniform(seed + 3, dimension, 1f));

    public static HeadActivations Create(int images, int tokens, int dimension, int width, HeadProjections projections, int seed = 11)
    {
        float[][] input = [.. Enumerable.Range(0, images).Select(image => RandomValues.Uniform(seed + image, tokens * width, 1.5f))];
        return new HeadActivations(
            HeadActivations.Project(input, tokens, projections.Query, projections.QueryBias, dimension),
            HeadActivations.Project(input, tokens, projections.Key, projections.KeyBias, dimension),
            DenseProduct.Pitch(dimension),
            tokens,
            dimension,
            input);
    }
}
