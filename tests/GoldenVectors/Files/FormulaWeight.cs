// Weights that files give by a formula instead of storing them (a murmur-style integer hash of the row-major index, exact in float32).
namespace GoldenVectors;

internal sealed record FormulaWeight(int[] Shape, uint Seed, double Step, double Offset)
{
    public float[] Make()
    {
        var values = new float[Shape.Aggregate(1, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            uint hash = unchecked(Seed ^ ((uint)i * 0x9E3779B1u));
            hash ^= hash >> 16;
            hash = unchecked(hash * 0x85EBCA6Bu);
            hash ^= hash >> 13;
            hash = unchecked(hash * 0xC2B2AE35u);
            hash ^= hash >> 16;
            values[i] = (float)((((int)(hash >> 24) - 128) * Step) + Offset);
        }

        return values;
    }
}
