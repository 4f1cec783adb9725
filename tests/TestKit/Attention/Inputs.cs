// Seeded operands. The same seed gives the same numbers on every machine: System.Random with a seed is specified to, and Box-Muller is written out here.
namespace TestKit.Attention;

/// <summary>Makes the numbers of one operand.</summary>
public static class Inputs
{
    private static readonly float[] Edges = [0f, -0f, float.Epsilon, -float.Epsilon, 1e-40f, -1e-40f, 1f, -1f, 1e3f, -1e3f, 1e-3f, -1e-3f];

    /// <summary>Independent standard normal numbers.</summary>
    public static float[] Gaussian(int seed, int count, float scale = 1f)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = scale * Normal(random);
        }

        return values;
    }

    /// <summary>Numbers of one kind, <c>[heads, tokens, dimension]</c>.</summary>
    /// <param name="kind">What they look like.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="heads">Heads of all batch items.</param>
    /// <param name="tokens">Tokens of a head.</param>
    /// <param name="dimension">Channels of a token.</param>
    public static float[] Make(InputKind kind, int seed, int heads, int tokens, int dimension)
    {
        var random = new Random(seed);
        var values = new float[heads * tokens * dimension];
        float[] centres = Gaussian(seed + 1, 3 * dimension);
        for (int i = 0; i < values.Length; i++)
        {
            int token = i / dimension % tokens;
            int channel = i % dimension;
            values[i] = kind switch
            {
                InputKind.EqualRows => token == 0 ? Normal(random) : values[i - dimension],
                InputKind.Zeros => 0f,
                InputKind.SignedZeros => random.Next(2) == 0 ? 0f : -0f,
                InputKind.Denormals => 1e-40f * Normal(random),
                InputKind.Huge => 1e15f * Normal(random),
                InputKind.Clustered => (3f * centres[(token % 3 * dimension) + channel]) + Normal(random),
                InputKind.Mixed => random.Next(2) == 0 ? Normal(random) : Edges[random.Next(Edges.Length)],
                InputKind.Offset => 5f + Normal(random),
                InputKind.WithNaN => random.Next(200) == 0 ? float.NaN : Normal(random),
                InputKind.WithInfinities => random.Next(200) == 0 ? float.PositiveInfinity * (random.Next(2) - 0.5f) : Normal(random),
                _ => Normal(random),
            };
        }

        return values;
    }

    private static float Normal(Random random)
    {
        double radius = Math.Sqrt(-2.0 * Math.Log(1.0 - random.NextDouble()));
        return (float)(radius * Math.Cos(2.0 * Math.PI * random.NextDouble()));
    }
}
