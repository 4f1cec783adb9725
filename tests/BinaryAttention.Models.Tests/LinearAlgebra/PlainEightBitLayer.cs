// The 8-bit linear layer by its formulas, one number at a time: integers as the library must have them, the rest in double.
namespace BinaryAttention.Models.Tests.LinearAlgebra;

internal static class PlainEightBitLayer
{
    /// <summary>Outputs, and for each the sum of the magnitudes that make it up, by which rounding is judged.</summary>
    public static (double[] Outputs, double[] Magnitudes) Compute(float[] x, float[] weights, float[] bias, int rows, int outputs, int inputs)
    {
        double[] result = new double[rows * outputs], magnitudes = new double[rows * outputs];
        int[] quantized = new int[outputs * inputs];
        float[] scales = new float[outputs];
        for (int output = 0; output < outputs; output++)
        {
            scales[output] = weights.AsSpan(output * inputs, inputs).ToArray().Max(MathF.Abs) / 127;
            float inverse = scales[output] > 0 ? 1 / scales[output] : 0;
            for (int k = 0; k < inputs; k++)
            {
                quantized[(output * inputs) + k] = (int)MathF.Round(weights[(output * inputs) + k] * inverse);
            }
        }

        for (int row = 0; row < rows; row++)
        {
            float[] values = x[(row * inputs)..((row + 1) * inputs)];
            float low = values.Min(), step = MathF.Max((values.Max() / 255) - (low / 255), 1e-30f), inverse = 1 / step;
            int[] levels = Array.ConvertAll(values, value => (int)MathF.Round(MathF.Min((value - low) * inverse, 255)));
            for (int output = 0; output < outputs; output++)
            {
                long sum = 0, all = 0;
                for (int k = 0; k < inputs; k++)
                {
                    sum += levels[k] * quantized[(output * inputs) + k];
                    all += quantized[(output * inputs) + k];
                }

                double product = (double)step * scales[output] * sum, offset = (double)low * scales[output] * all;
                result[(row * outputs) + output] = product + offset + bias[output];
                magnitudes[(row * outputs) + output] = Math.Abs(product) + Math.Abs(offset) + Math.Abs(bias[output]);
            }
        }

        return (result, magnitudes);
    }
}
