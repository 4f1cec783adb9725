// The step that Adam and AdamW share, in vectors of whatever width the processor has:
//
//   m = beta1 m + (1 - beta1) g      v = beta2 v + (1 - beta2) g^2      w -= rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
using System.Numerics;
using System.Runtime.InteropServices;

namespace BinaryAttention.Models.Training.Optimizers;

internal static class AdamMoments
{
    /// <summary>Updates moments and values.</summary>
    /// <param name="values">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="first">Mean of gradients.</param>
    /// <param name="second">Mean of squared gradients.</param>
    /// <param name="settings">Rates and decay.</param>
    public static void Step(Span<float> values, ReadOnlySpan<float> gradient, Span<float> first, Span<float> second, in AdamSettings settings)
    {
        // Whole vectors, then single values by the same operations in the same order.
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values), firsts = MemoryMarshal.Cast<float, Vector<float>>(first), seconds = MemoryMarshal.Cast<float, Vector<float>>(second);
        ReadOnlySpan<Vector<float>> gradients = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        Vector<float> epsilon = new(settings.Epsilon);
        for (int i = 0; i < wide.Length; i++)
        {
            Vector<float> g = gradients[i] + (wide[i] * settings.GradientDecay), m = (firsts[i] * settings.Beta1) + (g * settings.Rest1), v = (seconds[i] * settings.Beta2) + (g * g * settings.Rest2);
            (firsts[i], seconds[i]) = (m, v);
            wide[i] = (wide[i] * settings.ValueDecay) - (m * settings.StepSize / ((Vector.SquareRoot(v) * settings.SecondScale) + epsilon));
        }

        for (int i = wide.Length * Vector<float>.Count; i < values.Length; i++)
        {
            float g = gradient[i] + (values[i] * settings.GradientDecay), m = (first[i] * settings.Beta1) + (g * settings.Rest1), v = (second[i] * settings.Beta2) + (g * g * settings.Rest2);
            (first[i], second[i]) = (m, v);
            values[i] = (values[i] * settings.ValueDecay) - (m * settings.StepSize / ((MathF.Sqrt(v) * settings.SecondScale) + settings.Epsilon));
        }
    }
}
