// Seeded standard-normal operands (Box-Muller), in pinned arrays so that kernels may hold pointers to them.
namespace BinaryAttention.Cli.Benchmarking;

internal sealed class GaussianInputs
{
    public GaussianInputs(in AttentionShape shape, int seed)
    {
        var random = new Random(seed);
        long tokens = (long)shape.BatchSize * shape.HeadCount;
        Query = Normal(random, tokens * shape.QueryLength * shape.HeadDimension, "query");
        Key = Normal(random, tokens * shape.KeyLength * shape.HeadDimension, "key");
        Value = Normal(random, tokens * shape.KeyLength * shape.ValueDimension, "value");
    }

    public float[] Query { get; }

    public float[] Key { get; }

    public float[] Value { get; }

    public static float[] Normal(Random random, long count, string name)
    {
        if (count > Array.MaxLength)
        {
            throw new BadInputException($"--shape makes {name} {count} values long; at most {Array.MaxLength} fit. Give a smaller shape.");
        }

        float[] values = GC.AllocateUninitializedArray<float>((int)count, pinned: true);
        for (int i = 0; i < values.Length; i += 2)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            (double sine, double cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(radius * sine);
            }
        }

        return values;
    }
}
