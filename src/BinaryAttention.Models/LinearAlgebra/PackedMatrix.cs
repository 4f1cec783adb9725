// The weights of a linear layer in the order the product kernel reads them: panels of two vectors' columns, in each panel depth rows of consecutive floats.
//
//   panel p, depth k, column c  =  W[p * panelWidth + c, k]        W is [outputs, inputs], row-major
//
// Columns past the last output hold zeros, as does their bias. Packed once when a model is loaded.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed class PackedMatrix
{
    private readonly AlignedBuffer<float> _panels;
    private readonly AlignedBuffer<float> _bias;

    /// <summary>Packs weights <c>[outputs, inputs]</c>.</summary>
    /// <param name="weights">Row-major.</param>
    /// <param name="bias">One number per output, or empty for zeros.</param>
    /// <param name="outputs">Rows of the weights.</param>
    /// <param name="inputs">Columns of the weights.</param>
    /// <param name="lanes">Floats per vector of the kernel that will read the panels: 4, 8 or 16.</param>
    public PackedMatrix(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int outputs, int inputs, int lanes)
    {
        if (weights.Length != (long)outputs * inputs)
        {
            throw new ArgumentException($"weights has {weights.Length} values; {outputs} outputs of {inputs} inputs need {(long)outputs * inputs}.", nameof(weights));
        }

        if (!bias.IsEmpty && bias.Length != outputs)
        {
            throw new ArgumentException($"bias has {bias.Length} values; {outputs} outputs need as many, or none.", nameof(bias));
        }

        Outputs = outputs;
        Inputs = inputs;
        Lanes = lanes;
        _panels = new AlignedBuffer<float>(checked(PanelCount * PanelWidth * inputs));
        _bias = new AlignedBuffer<float>(PanelCount * PanelWidth);
        bias.CopyTo(_bias.Span);
        Pack(weights, _panels.Span, outputs, inputs, PanelWidth);
    }

    /// <summary>Makes room for weights that are filled in, and may be filled in again, by panels: those of a model in training. The bias is zero until it is filled.</summary>
    /// <param name="outputs">Rows of the weights.</param>
    /// <param name="inputs">Columns of the weights.</param>
    /// <param name="lanes">Floats per vector of the kernel that will read the panels: 4, 8 or 16.</param>
    public PackedMatrix(int outputs, int inputs, int lanes)
    {
        (Outputs, Inputs, Lanes) = (outputs, inputs, lanes);
        _panels = new AlignedBuffer<float>(checked(PanelCount * PanelWidth * inputs));
        _bias = new AlignedBuffer<float>(PanelCount * PanelWidth);
    }

    /// <summary>The widest vectors that this processor handles well.</summary>
    public static int PreferredLanes => Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 4;

    public int Outputs { get; }

    public int Inputs { get; }

    public int Lanes { get; }

    public int PanelWidth => 2 * Lanes;

    public int PanelCount => (Outputs + PanelWidth - 1) / PanelWidth;

    public ReadOnlySpan<float> Panels => _panels.Span;

    /// <summary>The packed weights; valid while the matrix is referenced.</summary>
    public unsafe float* PanelData => _panels.Pointer;

    /// <summary>The padded bias; valid while the matrix is referenced.</summary>
    public unsafe float* BiasData => _bias.Pointer;

    /// <summary>The bias, padded with zeros to whole panels.</summary>
    public ReadOnlySpan<float> Bias => _bias.Span;

    /// <summary>Replaces the bias; zeros if empty.</summary>
    public void FillBias(ReadOnlySpan<float> bias)
    {
        _bias.Span.Clear();
        bias.CopyTo(_bias.Span);
    }

    /// <summary>Replaces one panel from weights <c>[outputs, inputs]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FillPanel(int panel, ReadOnlySpan<float> weights)
    {
        int width = PanelWidth, first = panel * width, count = Math.Min(width, Outputs - first), inputs = Inputs;
        Span<float> target = _panels.Span.Slice(panel * width * inputs, width * inputs);

        // Strips of 16 inputs, so that the cache lines written stay in the first-level cache while all outputs pass.
        for (int start = 0; start < inputs; start += 16)
        {
            int end = Math.Min(start + 16, inputs);
            for (int column = 0; column < count; column++)
            {
                ReadOnlySpan<float> row = weights.Slice((first + column) * inputs, inputs);
                for (int k = start; k < end; k++)
                {
                    target[(k * width) + column] = row[k];
                }
            }
        }
    }

    /// <summary>Replaces one panel from weights that are stored the other way round, <c>[inputs, outputs]</c>.</summary>
    public void FillPanelTransposed(int panel, ReadOnlySpan<float> weights)
    {
        int width = PanelWidth, first = panel * width, count = Math.Min(width, Outputs - first);
        Span<float> target = _panels.Span.Slice(panel * width * Inputs, width * Inputs);
        for (int k = 0; k < Inputs; k++)
        {
            weights.Slice((k * Outputs) + first, count).CopyTo(target[(k * width)..]);
        }
    }

    // Run once per layer, so it would never be optimised while it counts: a base-size model has 86 million weights.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(ReadOnlySpan<float> weights, Span<float> panels, int outputs, int inputs, int panelWidth)
    {
        for (int output = 0; output < outputs; output++)
        {
            ReadOnlySpan<float> row = weights.Slice(output * inputs, inputs);
            Span<float> column = panels[((output / panelWidth * panelWidth * inputs) + (output % panelWidth))..];
            for (int k = 0; k < row.Length; k++)
            {
                column[k * panelWidth] = row[k];
            }
        }
    }
}
