namespace BinaryAttention.Benchmarks;

/// <summary>Seeded standard-normal numbers (Box-Muller).</summary>
internal static class Operands
{
    public static float[] Normal(int seed, int count)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }
}
