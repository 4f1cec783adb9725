// Values as TrainingParity's gradient sees them: dequantised 8-bit levels (SymmetricQuantizer), and no gradient beyond the clip limits.
using System.Numerics.Tensors;
using BinaryAttention.Reference;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class TrainedValues
{
    /// <summary>Lays out dequantised values as <c>[token panel][channel][panel]</c>; element by element what <see cref="SymmetricQuantizer"/> computes.</summary>
    public static void PackTransposed(float* values, nint tokenStride, int tokens, int channels, int panelColumns, float* panels)
    {
        var scales = new float[channels];
        for (int token = 0; token < tokens; token++)
        {
            TensorPrimitives.MaxMagnitude(scales, new ReadOnlySpan<float>(values + (token * tokenStride), channels), scales);
        }

        var divisors = new float[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            scales[channel] = SymmetricQuantizer.Value.Scale(MathF.Abs(scales[channel]));
            divisors[channel] = SymmetricQuantizer.Divisor(scales[channel]);
        }

        var row = new float[channels];
        for (int token = 0; token < tokens; token++)
        {
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(values + (token * tokenStride), channels), scales, row);
            TensorPrimitives.Round(row, row);
            TensorPrimitives.Clamp(row, -SymmetricQuantizer.Value.MaxLevel, SymmetricQuantizer.Value.MaxLevel, row);
            TensorPrimitives.Divide(row, divisors, row);
            float* destination = panels + ((long)(token / panelColumns) * channels * panelColumns) + (token % panelColumns);
            for (int channel = 0; channel < channels; channel++)
            {
                destination[(long)channel * panelColumns] = row[channel];
            }
        }
    }

    /// <summary>No gradient where a value lies beyond the clip limits.</summary>
    public static void ClipGradient(TokenView value, TokenView gradient, int batch, int head, int tokens, int channels)
    {
        for (int token = 0; token < tokens; token++)
        {
            float* values = value.Token(batch, head, token);
            float* gradients = gradient.Token(batch, head, token);
            for (int channel = 0; channel < channels; channel++)
            {
                gradients[channel] = SymmetricQuantizer.Value.PassesGradient(values[channel]) ? gradients[channel] : 0;
            }
        }
    }
}
