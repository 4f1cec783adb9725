// Values as TrainingParity's gradient sees them: dequantised 8-bit levels (SymmetricQuantizer), and no gradient beyond the clip limits.
using BinaryAttention.Reference;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class TrainedValues
{
    /// <summary>Lays out dequantised values as <c>[token panel][channel][panel]</c>.</summary>
    public static void PackTransposed(float* values, nint tokenStride, int tokens, int channels, int panelColumns, float* panels)
    {
        for (int channel = 0; channel < channels; channel++)
        {
            float maximum = 0;
            for (int token = 0; token < tokens; token++)
            {
                maximum = MathF.Max(maximum, MathF.Abs(values[(token * tokenStride) + channel]));
            }

            float scale = SymmetricQuantizer.Value.Scale(maximum);
            for (int token = 0; token < tokens; token++)
            {
                float value = SymmetricQuantizer.Dequantize(SymmetricQuantizer.Value.Level(values[(token * tokenStride) + channel], scale), scale);
                panels[((long)(token / panelColumns) * channels * panelColumns) + ((long)channel * panelColumns) + (token % panelColumns)] = value;
            }
        }
    }

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
