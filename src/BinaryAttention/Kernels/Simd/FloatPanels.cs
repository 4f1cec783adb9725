// A float matrix [tokens][channels] laid out for FloatProduct, either by channels ([channel panel][token][panel], the values) or transposed ([token panel][channel][panel], the
// keys). Padding is 0.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class FloatPanels
{
    public static int Count(int columns, int panelColumns) => (columns + panelColumns - 1) / panelColumns;

    /// <summary>[channel panel][token][panel].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackChannels(float* source, nint tokenStride, int tokens, int channels, int panelColumns, int paddedTokens, float* panels)
    {
        for (int first = 0; first < channels; first += panelColumns)
        {
            int count = Math.Min(panelColumns, channels - first);
            float* panel = panels + ((long)(first / panelColumns) * paddedTokens * panelColumns);
            for (int token = 0; token < tokens; token++)
            {
                new ReadOnlySpan<float>(source + (token * tokenStride) + first, count).CopyTo(new Span<float>(panel + ((long)token * panelColumns), count));
            }
        }
    }

    /// <summary>[token panel][channel][panel].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackTransposed(float* source, nint tokenStride, int tokens, int channels, int panelColumns, float* panels)
    {
        for (int token = 0; token < tokens; token++)
        {
            float* row = source + (token * tokenStride);
            float* destination = panels + ((long)(token / panelColumns) * channels * panelColumns) + (token % panelColumns);
            for (int channel = 0; channel < channels; channel++)
            {
                destination[(long)channel * panelColumns] = row[channel];
            }
        }
    }
}
