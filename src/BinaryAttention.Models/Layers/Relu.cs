// The rectified linear unit, relu(x) = max(x, 0). A NaN stays a NaN, as in PyTorch; -0 becomes 0.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal static class Relu
{
    /// <summary>Applies the function in place.</summary>
    public static void Apply(Span<float> values) => TensorPrimitives.Max(values, 0f, values);

    /// <summary>The function of a vector: (x + |x|) / 2 keeps a NaN whatever the processor's maximum does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Evaluate<TVector, TOperations>(TVector x)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector> =>
        TOperations.Multiply(TOperations.Broadcast(0.5f), TOperations.Add(x, TOperations.Abs(x)));
}
