// The weights of the sign dot products by name. Learned ones are random: the size of a standard-normal token's mean magnitude give or take, one in eight negative, so that rows and columns of either order occur.
namespace BinaryAttention.Cli.Benchmarking;

internal static class BenchmarkWeighting
{
    public const string LearnedName = "learned";

    private const float LearnedMean = 0.8f;
    private const float LearnedDeviation = 0.1f;
    private const int PerNegative = 8;

    public static SignWeighting Create(string name, in AttentionShape shape, int seed)
    {
        if (!string.Equals(name, LearnedName, StringComparison.Ordinal))
        {
            return Commands.CommonOptions.Weighting(name);
        }

        var random = new Random(seed);
        long heads = (long)shape.BatchSize * shape.HeadCount;
        return SignWeighting.Learned(Weights(random, heads * shape.QueryLength), Weights(random, heads * shape.KeyLength));
    }

    private static float[] Weights(Random random, long count)
    {
        float[] weights = GaussianInputs.Normal(random, count, "weights");
        foreach (ref float weight in weights.AsSpan())
        {
            weight = (LearnedMean + (LearnedDeviation * weight)) * (random.Next(PerNegative) == 0 ? -1 : 1);
        }

        return weights;
    }
}
