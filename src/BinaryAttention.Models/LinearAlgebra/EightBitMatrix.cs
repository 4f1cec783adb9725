// The weights of a linear layer in 8 bits, symmetric per output channel, in the order the inner kernel reads them.
//
//   scale[o] = max over k of |W[o, k]| / 127        q[o, k] = round(W[o, k] / scale[o])        W is [outputs, inputs]
//   panel p, word w, column c, channel j  =  q[p * panelColumns + c, w * wordChannels + j]
//
// With activations x = low + step * a (EightBitRows):   y[o] = step * scale[o] * sum(a q) + low * offset[o] + bias[o],   offset[o] = scale[o] * sum over k of q[o, k].
// Columns past the last output and channels past the last input hold zeros.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed class EightBitMatrix
{
    /// <summary>The most inputs whose exact sums fit 32 bits: 255 * 127 * 66,000 is just below 2^31.</summary>
    public const int LargestInputs = 66_000;

    private const int LargestWeight = 127;

    /// <summary>Quantises and packs weights.</summary>
    /// <param name="weights">Float weights, packed for any lanes.</param>
    /// <param name="kernel">The kernel that will read the panels.</param>
    /// <exception cref="NotSupportedException">There are too many inputs for 32-bit sums.</exception>
    public EightBitMatrix(PackedMatrix weights, EightBitKernel kernel)
    {
        if (weights.Inputs > LargestInputs)
        {
            throw new NotSupportedException($"A linear layer has {weights.Inputs} inputs; 8-bit layers take at most {LargestInputs}. Use LinearPrecision.Float32.");
        }

        (Outputs, Inputs, Kernel) = (weights.Outputs, weights.Inputs, kernel);
        int padded = PanelCount * PanelColumns;
        Panels = new AlignedBuffer<int>(checked(padded * Words));
        Scales = new AlignedBuffer<float>(padded);
        Offsets = new AlignedBuffer<float>(padded);
        Bias = new AlignedBuffer<float>(padded);
        weights.Bias[..Outputs].CopyTo(Bias.Span);
        Pack(weights);
    }

    public int Outputs { get; }

    public int Inputs { get; }

    public EightBitKernel Kernel { get; }

    public int PanelColumns => Kernel.PanelColumns();

    public int PanelCount => (Outputs + PanelColumns - 1) / PanelColumns;

    /// <summary>Words of a row of activations and of a column of weights.</summary>
    public int Words
    {
        get
        {
            int turn = Kernel.WordMultiple() * Kernel.WordChannels();
            return (Inputs + turn - 1) / turn * Kernel.WordMultiple();
        }
    }

    public AlignedBuffer<int> Panels { get; }

    public AlignedBuffer<float> Scales { get; }

    public AlignedBuffer<float> Offsets { get; }

    public AlignedBuffer<float> Bias { get; }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(PackedMatrix weights)
    {
        int channels = Kernel.WordChannels(), bits = 32 / channels;
        uint mask = (uint)((1L << bits) - 1);
        ReadOnlySpan<float> panels = weights.Panels;
        for (int output = 0; output < Outputs; output++)
        {
            int first = (output / weights.PanelWidth * weights.PanelWidth * Inputs) + (output % weights.PanelWidth);
            float largest = 0;
            for (int k = 0; k < Inputs; k++)
            {
                // Max passes a NaN on.
                largest = MathF.Max(largest, MathF.Abs(panels[first + (k * weights.PanelWidth)]));
            }

            // A weight that is not finite makes the whole output NaN: nobody may mistake it for a number.
            float scale = float.IsFinite(largest) ? largest / LargestWeight : float.NaN;
            float inverse = scale > 0 ? 1 / scale : 0;
            Span<int> column = Panels.Span[((output / PanelColumns * PanelColumns * Words) + (output % PanelColumns))..];
            int sum = 0;
            for (int k = 0; k < Inputs; k++)
            {
                int weight = (int)Math.Clamp(MathF.Round(panels[first + (k * weights.PanelWidth)] * inverse), -LargestWeight, LargestWeight);
                sum += weight;
                column[k / channels * PanelColumns] |= (int)(((uint)weight & mask) << (k % channels * bits));
            }

            Scales.Span[output] = scale;
            Offsets.Span[output] = scale * sum;
        }
    }
}
