// How one side of the sign dot products, the queries or the keys, is binarised: what its weights are, how many sign planes it has and which sign a zero gets.
namespace BinaryAttention.Kernels;

/// <param name="Mode">Where the weights come from.</param>
/// <param name="Learned">Given weights <c>[batch, heads, tokens]</c>; empty unless <paramref name="Mode"/> is Learned.</param>
/// <param name="Planes">Sign planes, 1 or 2.</param>
/// <param name="SignOfZero">The sign of an exact zero.</param>
internal readonly record struct SignSide(SignWeightingMode Mode, ReadOnlyMemory<float> Learned, int Planes, SignOfZero SignOfZero)
{
    public float Threshold => ThresholdOf(SignOfZero);

    /// <summary>The smallest number whose bit is 1: "x &gt; 0" and "x &gt;= the smallest denormal" are the same test.</summary>
    public static float ThresholdOf(SignOfZero signOfZero) => signOfZero == SignOfZero.Positive ? 0f : float.Epsilon;
}
