// Seeded normal numbers (Box-Muller), so that every run sees the same data.
namespace BinaryAttention.Tests.Reference;

internal static class GaussianData
{
    public static float[] Make(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }
}
