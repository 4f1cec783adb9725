// One tensor of a golden file: every stored type widened to double, which holds all of them exactly (the integers here are small).
namespace GoldenVectors;

internal sealed record GoldenTensor(string Name, string DataType, int[] Shape, double[] Values)
{
    public int Count => Values.Length;

    /// <summary>Exact for F16, F32 and the integers; F64 tensors are rounded.</summary>
    public float[] ToSingles() => Array.ConvertAll(Values, static value => (float)value);

    public int[] ToIntegers() => Array.ConvertAll(Values, static value => checked((int)value));
}
