// gelu(x) = x Phi(x), gelu'(x) = Phi(x) + x phi(x);  relu(x) = max(x, 0), relu'(x) = 1 where x > 0, else 0.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Functions of single values.</summary>
public static unsafe class ActivationOperations
{
    /// <summary>The exact Gaussian error linear unit, not its tanh approximation.</summary>
    /// <param name="x">Any shape.</param>
    public static Variable Gelu(this Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tape tape = x.Tape;
        Variable y = tape.Create(tape.Named("gelu"), [.. x.Shape]);
        ElementwiseOperations.Pieces(tape, x.Length, x.Length, (first, count) =>
        {
            Span<float> target = y.Buffer.Span.Slice(first, count);
            x.Buffer.Span.Slice(first, count).CopyTo(target);
            Layers.Gelu.Apply(target);
        });
        return tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = tape.Rent(x.Length);
            ElementwiseOperations.Pieces(tape, x.Length, x.Length, (first, count) => GeluBackward(x.Buffer.Pointer + first, y.GradientBuffer.Pointer + first, gradient.Pointer + first, count));
            x.Adopt(gradient);
        });
    }

    /// <summary>The rectified linear unit.</summary>
    /// <param name="x">Any shape.</param>
    public static Variable Relu(this Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tape tape = x.Tape;
        Variable y = tape.Create(tape.Named("relu"), [.. x.Shape]);
        ElementwiseOperations.Pieces(tape, x.Length, x.Length, (first, count) =>
        {
            Span<float> target = y.Buffer.Span.Slice(first, count);
            x.Buffer.Span.Slice(first, count).CopyTo(target);
            Layers.Relu.Apply(target);
        });
        return tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = tape.Rent(x.Length);
            ElementwiseOperations.Pieces(tape, x.Length, x.Length, (first, count) =>
            {
                ReadOnlySpan<float> values = y.Buffer.Span.Slice(first, count), upstream = y.GradientBuffer.Span.Slice(first, count);
                Span<float> target = gradient.Span.Slice(first, count);
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = values[i] > 0 ? upstream[i] : 0;
                }
            });
            x.Adopt(gradient);
        });
    }

    private static void GeluBackward(float* x, float* upstream, float* gradient, int count)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            GeluBackward<Vector512<float>, Operations512>(x, upstream, gradient, count);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            GeluBackward<Vector256<float>, Operations256>(x, upstream, gradient, count);
        }
        else
        {
            GeluBackward<Vector128<float>, Operations128>(x, upstream, gradient, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GeluBackward<TVector, TOperations>(float* x, float* upstream, float* gradient, int count)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int i = 0;
        for (; i <= count - TOperations.Count; i += TOperations.Count)
        {
            TOperations.Store(TOperations.Multiply(TOperations.Load(upstream + i), Layers.Gelu.Derivative<TVector, TOperations>(TOperations.Load(x + i))), gradient + i);
        }

        float* rest = stackalloc float[TOperations.Count];
        for (; i < count; i++)
        {
            TOperations.Store(Layers.Gelu.Derivative<TVector, TOperations>(TOperations.Broadcast(x[i])), rest);
            gradient[i] = upstream[i] * rest[0];
        }
    }
}
