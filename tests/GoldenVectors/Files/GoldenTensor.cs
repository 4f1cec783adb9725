// One tensor of a golden file: every stored type widened to double, which holds all of them exactly (I64 tensors are kept as they are beside, because packed bits are not small).
namespace GoldenVectors;

internal sealed record GoldenTensor(string Name, string DataType, int[] Shape, double[] Values)
{
    /// <summary>The values of an I64 tensor, which a double may not hold; empty for the other types.</summary>
    public long[] Longs { get; init; } = [];

    public int Count => Values.Length;

    /// <summary>Exact for F16, F32 and the integers; F64 tensors are rounded.</summary>
    public float[] ToSingles() => Array.ConvertAll(Values, static value => (float)value);

    public int[] ToIntegers() => Array.ConvertAll(Values, static value => checked((int)value));
}
