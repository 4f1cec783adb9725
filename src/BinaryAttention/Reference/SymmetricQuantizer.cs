// The training code's symmetric value quantiser, element by element in its float32 order of operations:
//   s = 1 / (max|x| + 1e-6) * maxLevel,  level = round half to even(x s),  x_hat = level / (s + 1e-6),  d x_hat / dx := 1 where low < x < high, else 0
// 8 bits, one scale a channel and clip limits -2, 2 for the values of BinaryAttention. The clip limits bound the gradient only.
namespace BinaryAttention.Reference;

internal sealed record SymmetricQuantizer(int Bits, float ClipLow, float ClipHigh)
{
    private const float Epsilon = 1e-6f;

    public static SymmetricQuantizer Value { get; } = new(8, -2f, 2f);

    public int MaxLevel => (1 << (Bits - 1)) - 1;

    /// <summary>Levels per unit exactly as the training code arrives at it: a reciprocal, then a product, each rounded to float32.</summary>
    public float Scale(float maximum) => 1f / (maximum + Epsilon) * MaxLevel;

    /// <summary>The level of a finite x; |x| is at most the maximum that made the scale, the clamp guards against rounding only.</summary>
    public int Level(float x, float scale) => (int)Math.Clamp(MathF.Round(x * scale, MidpointRounding.ToEven), -MaxLevel, MaxLevel);

    /// <summary>x_hat without the clamp, so that NaN and infinities spread as they do in the training code.</summary>
    public static float Quantize(float x, float scale) => MathF.Round(x * scale, MidpointRounding.ToEven) / (scale + Epsilon);

    public static float Dequantize(int level, float scale) => level / Divisor(scale);

    /// <summary>What a level is divided by.</summary>
    public static float Divisor(float scale) => scale + Epsilon;

    /// <summary>What a level counts in a kernel's epilogue: 1 / (s + 1e-6), rounded once.</summary>
    public static float Step(float scale) => 1f / (scale + Epsilon);

    public bool PassesGradient(float x) => !(x >= ClipHigh || x <= ClipLow);
}
