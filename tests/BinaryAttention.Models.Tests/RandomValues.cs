// Reproducible numbers for tests.
namespace BinaryAttention.Models.Tests;

internal static class RandomValues
{
    /// <summary>Uniform in [-scale, scale).</summary>
    public static float[] Uniform(int seed, int count, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = ((random.NextSingle() * 2) - 1) * scale;
        }

        return values;
    }
}
