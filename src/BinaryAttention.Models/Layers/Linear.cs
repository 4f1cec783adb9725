// A fully connected layer, y = x W^T + b, with its weights packed once for the product kernels: float32 when it is made, 8-bit when that is first asked for.
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class Linear
{
    private readonly PackedMatrix _weights;
    private EightBitMatrix? _eightBit;

    /// <summary>Packs the weights.</summary>
    /// <param name="weight"><c>[outputs, inputs]</c>, row-major.</param>
    /// <param name="bias">One number per output, or empty.</param>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    public Linear(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int outputs, int inputs) =>
        _weights = new PackedMatrix(weight, bias, outputs, inputs, PackedMatrix.PreferredLanes);

    public int Inputs => _weights.Inputs;

    public int Outputs => _weights.Outputs;

    /// <summary>Quantises the weights if that has not happened yet; needed before an 8-bit forward.</summary>
    public void PrepareEightBit() => LazyInitializer.EnsureInitialized(ref _eightBit, () => new EightBitMatrix(_weights, EightBitKernels.Preferred));

    /// <summary>Applies the layer to <c>[rows, Inputs]</c> in float32, giving <c>[rows, Outputs]</c>.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, int rows, MatrixEpilogue epilogue = MatrixEpilogue.None) => MatrixProduct.Multiply(x, _weights, y, rows, epilogue);

    /// <summary>The same in float32, without checks of lengths.</summary>
    public void Forward(float* x, float* y, int rows, MatrixEpilogue epilogue = MatrixEpilogue.None) => MatrixProduct.Multiply(x, _weights, y, rows, epilogue);

    /// <summary>The same in either precision, without checks of lengths.</summary>
    public void Forward(float* x, float* y, int rows, MatrixEpilogue epilogue, LinearPrecision precision, RowScratch scratch)
    {
        if (precision == LinearPrecision.EightBit)
        {
            EightBitProduct.Multiply(x, _eightBit!, y, rows, epilogue, scratch.Quantized);
        }
        else
        {
            MatrixProduct.Multiply(x, _weights, y, rows, epilogue);
        }
    }
}
