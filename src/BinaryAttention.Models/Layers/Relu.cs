// The rectified linear unit, relu(x) = max(x, 0). A NaN stays a NaN, as in PyTorch; -0 becomes 0.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Layers;

internal static class Relu
{
    /// <summary>Applies the function in place.</summary>
    public static void Apply(Span<float> values) => TensorPrimitives.Max(values, 0f, values);
}
