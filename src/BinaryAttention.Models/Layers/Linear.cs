// A fully connected layer, y = x W^T + b, with its weights packed once for the product kernel.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed class Linear
{
    private readonly PackedMatrix _weights;

    /// <summary>Packs the weights.</summary>
    /// <param name="weight"><c>[outputs, inputs]</c>, row-major.</param>
    /// <param name="bias">One number per output, or empty.</param>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    public Linear(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int outputs, int inputs) =>
        _weights = new PackedMatrix(weight, bias, outputs, inputs, PackedMatrix.PreferredLanes);

    public int Inputs => _weights.Inputs;

    public int Outputs => _weights.Outputs;

    /// <summary>Applies the layer to <c>[rows, Inputs]</c>, giving <c>[rows, Outputs]</c>.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, int rows, MatrixEpilogue epilogue = MatrixEpilogue.None, int threads = 1, CancellationToken cancellationToken = default) =>
        MatrixProduct.Multiply(x, _weights, y, rows, epilogue, threads, cancellationToken);
}
