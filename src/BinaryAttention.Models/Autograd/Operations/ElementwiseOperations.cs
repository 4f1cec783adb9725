// Operations on single elements and on whole rows by factors.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Sums, multiples and residual connections.</summary>
public static class ElementwiseOperations
{
    // Values of a piece of work for one thread: enough to outweigh handing it over.
    private const int PieceLength = 16384;

    /// <summary>The sum of two tensors of the same shape.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Variable Add(this Variable left, Variable right) => Residual(left, right);

    /// <summary>A residual connection, <c>x + factor[item] * branch</c>; with factors the item is the first dimension (drop path: Huang et al. 2016).</summary>
    /// <param name="x">The stream <c>[items, ...]</c>.</param>
    /// <param name="branch">What is added, of the same shape.</param>
    /// <param name="factors">One number per item; empty stands for ones.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the number of factors is not the number of items.</exception>
    public static Variable Residual(this Variable x, Variable branch, ReadOnlySpan<float> factors = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(branch);
        TensorShape.Same(x, branch);
        if (!factors.IsEmpty && (x.Shape.Count == 0 || factors.Length != x.Shape[0]))
        {
            throw new ArgumentException($"There are {factors.Length} factors; {x} needs one per item of its first dimension, or none.", nameof(factors));
        }

        Tape tape = x.Tape;
        float[] weights = factors.IsEmpty || !factors.ContainsAnyExcept(1f) ? [] : factors.ToArray();
        Variable y = tape.Create(tape.Named("add"), [.. x.Shape]);
        int item = weights.Length == 0 ? x.Length : x.Length / weights.Length;
        Pieces(tape, x.Length, item, (first, count) =>
        {
            ReadOnlySpan<float> source = x.Buffer.Span.Slice(first, count), added = branch.Buffer.Span.Slice(first, count);
            Span<float> target = y.Buffer.Span.Slice(first, count);
            if (weights.Length == 0)
            {
                TensorPrimitives.Add(source, added, target);
            }
            else
            {
                TensorPrimitives.MultiplyAdd(added, weights[first / item], source, target);
            }
        });
        return tape.Record(y, x.RequiresGradient || branch.RequiresGradient, () =>
        {
            if (x.RequiresGradient)
            {
                y.GradientBuffer.Shares++;
                x.Adopt(y.GradientBuffer);
            }

            if (branch.RequiresGradient && weights.Length == 0)
            {
                y.GradientBuffer.Shares++;
                branch.Adopt(y.GradientBuffer);
            }
            else if (branch.RequiresGradient)
            {
                PooledBuffer gradient = tape.Rent(y.Length);
                Pieces(tape, y.Length, item, (first, count) => TensorPrimitives.Multiply(y.GradientBuffer.Span.Slice(first, count), weights[first / item], gradient.Span.Slice(first, count)));
                branch.Adopt(gradient);
            }
        });
    }

    /// <summary>A multiple.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="factor">The factor.</param>
    public static Variable Scale(this Variable x, float factor)
    {
        ArgumentNullException.ThrowIfNull(x);
        Variable y = x.Tape.Create(x.Tape.Named("scale"), [.. x.Shape]);
        TensorPrimitives.Multiply(x.Buffer.Span, factor, y.Buffer.Span);
        return x.Tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = x.Tape.Rent(x.Length);
            TensorPrimitives.Multiply(y.GradientBuffer.Span, factor, gradient.Span);
            x.Adopt(gradient);
        });
    }

    /// <summary>The sum of all elements times given numbers: the scalar whose gradient at the tensor is these numbers.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="factors">As many numbers as the tensor has values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static Variable WeightedSum(this Variable x, ReadOnlySpan<float> factors)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (factors.Length != x.Length)
        {
            throw new ArgumentException($"There are {factors.Length} factors; {x} has {x.Length} values. Both must match.", nameof(factors));
        }

        float[] weights = factors.ToArray();
        Variable y = x.Tape.Create(x.Tape.Named("sum"));
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += (double)weights[i] * x.Values[i];
        }

        y.Buffer.Span[0] = (float)sum;
        return x.Tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = x.Tape.Rent(x.Length);
            TensorPrimitives.Multiply(weights, y.GradientBuffer.Span[0], gradient.Span);
            x.Adopt(gradient);
        });
    }

    /// <summary>Runs pieces of a tensor on all threads; no piece crosses the end of an item.</summary>
    internal static void Pieces(Tape tape, int length, int item, Action<int, int> piece)
    {
        int pieces = (item + PieceLength - 1) / PieceLength, items = length / item;
        tape.Loop.Tiles.Run(
            items * pieces,
            (index, _) =>
            {
                int first = index % pieces * PieceLength;
                piece((index / pieces * item) + first, Math.Min(PieceLength, item - first));
            },
            CancellationToken.None);
    }
}
