// y = x W^T + b. Backward: dX = dY W, dW += dY^T X, db += sum over rows of dY.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Fully connected layers.</summary>
public static unsafe class LinearOperation
{
    // Rows of a block: about half of a second-level cache of 1 MiB for its widest side.
    private const int BlockValues = 576 * 1024 / sizeof(float);

    /// <summary>Applies <c>x W^T + b</c> to every row.</summary>
    /// <param name="x"><c>[..., inputs]</c>.</param>
    /// <param name="weight"><c>[outputs, inputs]</c>; further dimensions count as inputs.</param>
    /// <param name="bias"><c>[outputs]</c>, or null.</param>
    /// <returns><c>[..., outputs]</c>.</returns>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable Linear(this Variable x, Parameter weight, Parameter? bias = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        Tape tape = x.Tape;
        int outputs = weight.Shape[0], inputs = weight.Length / outputs, rows = x.Rows;
        TensorShape.LastIs(x, inputs, weight.ToString());
        if (bias is not null)
        {
            TensorShape.Length(bias, outputs, weight.ToString());
        }

        Variable y = tape.Create(Name(weight), [.. x.Shape.SkipLast(1), outputs]);
        Multiply(tape, x.Buffer, tape.Workspace.Weights.Forward(weight, bias, outputs, inputs), y.Buffer, rows, MatrixEpilogue.None);
        return tape.Record(y, x.RequiresGradient || weight.IsTrainable || bias is { IsTrainable: true }, () =>
        {
            PooledBuffer gradient = y.GradientBuffer;
            if (weight.IsTrainable || bias is { IsTrainable: true })
            {
                GradientProduct.Accumulate(tape, x.Buffer.Pointer, gradient.Pointer, rows, inputs, outputs, weight, bias);
            }

            if (x.RequiresGradient)
            {
                PackedMatrix transposed = tape.Workspace.Weights.Backward(weight, outputs, inputs);
                if (x.OwnsGradient)
                {
                    Multiply(tape, gradient, transposed, x.GradientBuffer, rows, MatrixEpilogue.Add);
                }
                else
                {
                    PooledBuffer result = tape.Rent(x.Length);
                    Multiply(tape, gradient, transposed, result, rows, MatrixEpilogue.None);
                    x.Adopt(result);
                }
            }
        });
    }

    internal static string Name(Parameter weight) => weight.Name.EndsWith(".weight", StringComparison.Ordinal) ? weight.Name[..^".weight".Length] : weight.Name;

    private static void Multiply(Tape tape, PooledBuffer x, PackedMatrix weights, PooledBuffer y, int rows, MatrixEpilogue epilogue)
    {
        int block = Math.Clamp(BlockValues / Math.Max(weights.Inputs, weights.Outputs), 24, 192);
        tape.Loop.Run(rows, block, (first, count, _) => MatrixProduct.Multiply(x.Pointer + ((nint)first * weights.Inputs), weights, y.Pointer + ((nint)first * weights.Outputs), count, epilogue), CancellationToken.None);
    }
}
