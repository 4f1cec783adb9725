// Sign bits as a float row of a product's right side: weight where the bit is 1, -weight where it is 0. Channels beyond the last get -weight or 0; what is summed for them is never read.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class SignPanels
{
    private const int Lanes = 8;

    /// <summary>Writes one token.</summary>
    /// <param name="words">Sign words.</param>
    /// <param name="weight">The token's weight.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="panelColumns">Channels of a panel, a multiple of eight.</param>
    /// <param name="panelElements">Elements from panel to panel.</param>
    /// <param name="row">The token's row of the first panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(ulong* words, float weight, int dimension, int panelColumns, nint panelElements, float* row)
    {
        Vector256<int> bits = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        Vector256<int> positive = Vector256.Create(weight).AsInt32();
        for (int channel = 0; channel < dimension; channel += Lanes)
        {
            Vector256<int> word = Vector256.Create((int)((words[channel / 64] >> (channel % 64)) & 0xFF));
            Vector256<int> isNegative = Vector256.Equals(word & bits, Vector256<int>.Zero);
            Vector256<float> signed = (positive ^ (isNegative & Vector256.Create(int.MinValue))).AsSingle();
            signed.Store(row + (channel / panelColumns * panelElements) + (channel % panelColumns));
        }
    }
}
