// y = n w + b with n = (x - mean) r, r = 1 / sqrt(variance + epsilon) over the last dimension. Backward, with g = dY w:
//
//   dX = r (g - mean(g) - n mean(g n))      dw += sum over rows of dY n      db += sum over rows of dY
//
// Mean and r are computed again from the row, which lies in the first-level cache then. Sums over rows go by fixed blocks of 32 rows, added in order.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Layer normalisation.</summary>
public static unsafe class LayerNormOperation
{
    private const int BlockRows = 32;

    /// <summary>Normalises every row (Ba, Kiros, Hinton 2016).</summary>
    /// <param name="x"><c>[..., width]</c>.</param>
    /// <param name="weight"><c>[width]</c>.</param>
    /// <param name="bias"><c>[width]</c>.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable LayerNorm(this Variable x, Parameter weight, Parameter bias, float epsilon)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(bias);
        int width = weight.Length, rows = x.Rows;
        TensorShape.LastIs(x, width, weight.ToString());
        TensorShape.Length(bias, width, weight.ToString());
        Tape tape = x.Tape;
        Variable y = tape.Create(LinearOperation.Name(weight), [.. x.Shape]);
        var norm = new LayerNorm(weight.ValueArray, bias.ValueArray, epsilon);
        tape.Loop.Run(rows, 192, (first, count, _) => norm.Forward(x.Buffer.Pointer + ((nint)first * width), y.Buffer.Pointer + ((nint)first * width), count), CancellationToken.None);
        return tape.Record(y, x.RequiresGradient || weight.IsTrainable || bias.IsTrainable, () =>
        {
            bool adds = x.OwnsGradient;
            PooledBuffer? fresh = x.RequiresGradient && !adds ? tape.Rent(x.Length) : null;
            int blocks = (rows + BlockRows - 1) / BlockRows;
            PooledBuffer sums = tape.Rent(blocks * 2 * width), result = fresh ?? (x.RequiresGradient ? x.GradientBuffer : tape.Rent(x.Length));
            float* weights = weight.ValuePointer;
            tape.Loop.Tiles.Run(
                blocks,
                (block, _) =>
                {
                    nint first = (nint)block * BlockRows * width;
                    int count = Math.Min(BlockRows, rows - (block * BlockRows));
                    Backward(x.Buffer.Pointer + first, y.GradientBuffer.Pointer + first, weights, result.Pointer + first, sums.Pointer + ((nint)block * 2 * width), count, width, epsilon, adds);
                },
                CancellationToken.None);
            for (int block = 0; block < blocks; block++)
            {
                ReadOnlySpan<float> part = sums.Span.Slice(block * 2 * width, 2 * width);
                Add(part[..width], weight);
                Add(part[width..], bias);
            }

            tape.Return(sums);
            if (fresh is not null)
            {
                x.Adopt(fresh);
            }
            else if (!x.RequiresGradient)
            {
                tape.Return(result);
            }
        });
    }

    private static void Add(ReadOnlySpan<float> sums, Parameter parameter)
    {
        if (parameter.IsTrainable)
        {
            TensorPrimitives.Add(parameter.Gradient, sums, parameter.Gradient);
        }
    }

    private static void Backward(float* x, float* upstream, float* weight, float* gradient, float* sums, int rows, int width, float epsilon, bool adds)
    {
        new Span<float>(sums, 2 * width).Clear();
        for (nint row = 0; row < rows; row++)
        {
            nint at = row * width;
            if (Vector512.IsHardwareAccelerated)
            {
                Row<Vector512<float>, Operations512>(x + at, upstream + at, weight, gradient + at, sums, width, epsilon, adds);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Row<Vector256<float>, Operations256>(x + at, upstream + at, weight, gradient + at, sums, width, epsilon, adds);
            }
            else
            {
                Row<Vector128<float>, Operations128>(x + at, upstream + at, weight, gradient + at, sums, width, epsilon, adds);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TVector, TOperations>(float* x, float* upstream, float* weight, float* gradient, float* sums, int width, float epsilon, bool adds)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int whole = width - (width % TOperations.Count);
        TVector total = TOperations.Broadcast(0);
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            total = TOperations.Add(total, TOperations.Load(x + i));
        }

        float mean = TOperations.Sum(total);
        for (int i = whole; i < width; i++)
        {
            mean += x[i];
        }

        mean /= width;
        TVector means = TOperations.Broadcast(mean), squares = TOperations.Broadcast(0);
        total = squares;
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector centred = TOperations.Subtract(TOperations.Load(x + i), means);
            total = TOperations.Add(total, centred);
            squares = TOperations.MultiplyAdd(centred, centred, squares);
        }

        float rest = TOperations.Sum(total), square = TOperations.Sum(squares);
        for (int i = whole; i < width; i++)
        {
            float centred = x[i] - mean;
            rest += centred;
            square += centred * centred;
        }

        float correction = rest / width, scale = 1 / MathF.Sqrt(MathF.Max(0, (square / width) - (correction * correction)) + epsilon);

        // Means of g and g n; on the way the sums over rows.
        TVector corrections = TOperations.Broadcast(correction);
        TVector scales = TOperations.Broadcast(scale), sumG = TOperations.Broadcast(0), sumGn = sumG;
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector normalised = TOperations.Multiply(TOperations.Subtract(TOperations.Subtract(TOperations.Load(x + i), means), corrections), scales), dy = TOperations.Load(upstream + i);
            TVector g = TOperations.Multiply(dy, TOperations.Load(weight + i));
            sumG = TOperations.Add(sumG, g);
            sumGn = TOperations.MultiplyAdd(g, normalised, sumGn);
            TOperations.Store(TOperations.MultiplyAdd(dy, normalised, TOperations.Load(sums + i)), sums + i);
            TOperations.Store(TOperations.Add(dy, TOperations.Load(sums + width + i)), sums + width + i);
        }

        float meanG = TOperations.Sum(sumG), meanGn = TOperations.Sum(sumGn);
        for (int i = whole; i < width; i++)
        {
            float normalised = (x[i] - mean - correction) * scale, g = upstream[i] * weight[i];
            meanG += g;
            meanGn += g * normalised;
            sums[i] += upstream[i] * normalised;
            sums[width + i] += upstream[i];
        }

        meanG /= width;
        meanGn /= width;
        TVector meansG = TOperations.Broadcast(meanG), minusGn = TOperations.Broadcast(-meanGn);
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector normalised = TOperations.Multiply(TOperations.Subtract(TOperations.Subtract(TOperations.Load(x + i), means), corrections), scales);
            TVector g = TOperations.Subtract(TOperations.Multiply(TOperations.Load(upstream + i), TOperations.Load(weight + i)), meansG);
            TVector result = TOperations.Multiply(TOperations.MultiplyAdd(normalised, minusGn, g), scales);
            TOperations.Store(adds ? TOperations.Add(result, TOperations.Load(gradient + i)) : result, gradient + i);
        }

        for (int i = whole; i < width; i++)
        {
            float result = ((upstream[i] * weight[i]) - meanG - ((x[i] - mean - correction) * scale * meanGn)) * scale;
            gradient[i] = adds ? result + gradient[i] : result;
        }
    }
}
