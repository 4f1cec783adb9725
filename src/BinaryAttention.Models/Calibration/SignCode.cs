// From real codes to signs and back, one token at a time.
//
//   weighted:    value = mean|a| sign(a)          and with a second plane  + mean|r| sign(r),  r = a - mean|a| sign(a)
//   unweighted:  value = sign(a)
//
// Backward, one plane: the sign is taken for tanh(u), u = a / mean|a| (straight-through with the window 1 - tanh^2 u). A weighted code differentiates the mean, in the
// weight and in u; an unweighted one holds it fixed. With smooth set the forward pass uses tanh itself, which makes the gradient exact: what the tests check.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Calibration;

internal static class SignCode
{
    /// <summary>The values that stand for a code.</summary>
    public static void Encode(ReadOnlySpan<float> code, Span<float> values, bool weighted, int planes = 1, bool smooth = false)
    {
        float mean = MeanMagnitude(code);
        float weight = weighted ? mean : 1;
        for (int i = 0; i < code.Length; i++)
        {
            values[i] = weight * (smooth ? MathF.Tanh(Scaled(code[i], mean)) : Sign(code[i]));
        }

        if (planes == 2)
        {
            float left = 0;
            for (int i = 0; i < code.Length; i++)
            {
                left += MathF.Abs(code[i] - values[i]);
            }

            left /= code.Length;
            for (int i = 0; i < code.Length; i++)
            {
                values[i] += left * Sign(code[i] - values[i]);
            }
        }
    }

    /// <summary>Turns the gradient of the values into that of the code, in place. One plane.</summary>
    /// <param name="code">The code that was encoded.</param>
    /// <param name="gradient">Gradient of the values; receives that of the code.</param>
    /// <param name="weighted">As it was encoded.</param>
    /// <param name="scratch">As many floats, overwritten.</param>
    /// <param name="smooth">As it was encoded.</param>
    public static void Backward(ReadOnlySpan<float> code, Span<float> gradient, bool weighted, Span<float> scratch, bool smooth = false)
    {
        float mean = MeanMagnitude(code);
        if (mean == 0)
        {
            gradient.Clear();
            return;
        }

        // d value_c / d mean: sign_c from the weight, and - weight (1 - tanh^2 u_c) u_c / mean from u.
        float inverse = 1 / mean, meanGradient = 0;
        Span<float> tanh = scratch[..code.Length];
        TensorPrimitives.Multiply(code, inverse, tanh);
        TensorPrimitives.Tanh(tanh, tanh);
        for (int i = 0; i < code.Length; i++)
        {
            float u = code[i] * inverse, window = 1 - (tanh[i] * tanh[i]);
            meanGradient += gradient[i] * ((smooth ? tanh[i] : Sign(code[i])) - (window * u));
            gradient[i] *= weighted ? window : window * inverse;
        }

        if (weighted)
        {
            float share = meanGradient / code.Length;
            for (int i = 0; i < code.Length; i++)
            {
                gradient[i] += share * MathF.Sign(code[i]);
            }
        }
    }

    public static float MeanMagnitude(ReadOnlySpan<float> code) => TensorPrimitives.SumOfMagnitudes(code) / code.Length;

    private static float Sign(float value) => value >= 0 ? 1 : -1;

    private static float Scaled(float value, float mean) => mean == 0 ? 0 : value / mean;
}
