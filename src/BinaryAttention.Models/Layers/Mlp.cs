// The two-layer perceptron of a transformer block:  x += W2 f(W1 n + b1) + b2,  n the normalised input, f GELU or ReLU.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed class Mlp(Linear expand, Linear contract, MatrixEpilogue activation = MatrixEpilogue.Gelu)
{
    public int HiddenWidth => expand.Outputs;

    /// <summary>Adds the perceptron of <paramref name="normalised"/> to <paramref name="x"/>.</summary>
    /// <param name="normalised"><c>[rows, width]</c>.</param>
    /// <param name="hidden">Room for <c>[rows, HiddenWidth]</c>.</param>
    /// <param name="x"><c>[rows, width]</c>, added to.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="threads">Most threads, at least 1.</param>
    /// <param name="cancellationToken">Checked before every product.</param>
    public void Forward(ReadOnlySpan<float> normalised, Span<float> hidden, Span<float> x, int rows, int threads, CancellationToken cancellationToken)
    {
        expand.Forward(normalised, hidden, rows, activation, threads, cancellationToken);
        contract.Forward(hidden, x, rows, MatrixEpilogue.Add, threads, cancellationToken);
    }
}
