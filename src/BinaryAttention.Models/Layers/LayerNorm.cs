// Layer normalisation over the last dimension (Ba, Kiros, Hinton 2016):  y = (x - mean) / sqrt(variance + epsilon) * weight + bias, variance over all
// channels (not channels - 1).
//
// The mean is taken twice, the second time over the already centred row, so that rows far from zero keep their accuracy and a constant row gives exactly
// the bias; the second pass also sums the squares. Rows are independent.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class LayerNorm
{
    private readonly float[] _weight;
    private readonly float[] _bias;
    private readonly float _epsilon;

    public LayerNorm(float[] weight, float[] bias, float epsilon)
    {
        if (weight.Length != bias.Length)
        {
            throw new ArgumentException($"bias has {bias.Length} values; weight has {weight.Length}. Both must match.", nameof(bias));
        }

        _weight = weight;
        _bias = bias;
        _epsilon = epsilon;
    }

    public int Width => _weight.Length;

    /// <summary>Normalises every row.</summary>
    /// <param name="x"><c>[rows, Width]</c>.</param>
    /// <param name="y"><c>[rows, Width]</c>; may be <paramref name="x"/>.</param>
    /// <param name="rows">Rows.</param>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, int rows)
    {
        if (x.Length < (long)rows * Width || y.Length < (long)rows * Width)
        {
            throw new ArgumentException($"x has {x.Length} and y {y.Length} values; {rows} rows of {Width} channels need {(long)rows * Width}.", nameof(x));
        }

        // SAFETY: lengths checked above.
        fixed (float* input = x, output = y)
        {
            Forward(input, output, rows);
        }
    }

    /// <summary>The same without checks of lengths.</summary>
    public void Forward(float* x, float* y, int rows)
    {
        fixed (float* weight = _weight, bias = _bias)
        {
            for (int row = 0; row < rows; row++)
            {
                float* from = x + ((nint)row * Width);
                float* to = y + ((nint)row * Width);
                if (Vector512.IsHardwareAccelerated)
                {
                    Row<Vector512<float>, Operations512>(from, to, Width, weight, bias, _epsilon);
                }
                else if (Vector256.IsHardwareAccelerated)
                {
                    Row<Vector256<float>, Operations256>(from, to, Width, weight, bias, _epsilon);
                }
                else
                {
                    Row<Vector128<float>, Operations128>(from, to, Width, weight, bias, _epsilon);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TVector, TOperations>(float* x, float* y, int width, float* weight, float* bias, float epsilon)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int whole = width - (width % TOperations.Count);
        TVector sums = TOperations.Broadcast(0);
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            sums = TOperations.Add(sums, TOperations.Load(x + i));
        }

        float sum = TOperations.Sum(sums);
        for (int i = whole; i < width; i++)
        {
            sum += x[i];
        }

        float mean = sum / width;
        TVector means = TOperations.Broadcast(mean);
        sums = TOperations.Broadcast(0);
        TVector squares = sums;
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector centred = TOperations.Subtract(TOperations.Load(x + i), means);
            sums = TOperations.Add(sums, centred);
            squares = TOperations.MultiplyAdd(centred, centred, squares);
        }

        float rest = TOperations.Sum(sums);
        float square = TOperations.Sum(squares);
        for (int i = whole; i < width; i++)
        {
            float centred = x[i] - mean;
            rest += centred;
            square += centred * centred;
        }

        float correction = rest / width;
        float variance = MathF.Max(0, (square / width) - (correction * correction));
        float scale = 1 / MathF.Sqrt(variance + epsilon);
        TVector corrections = TOperations.Broadcast(correction), scales = TOperations.Broadcast(scale);
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector centred = TOperations.Subtract(TOperations.Subtract(TOperations.Load(x + i), means), corrections);
            TVector normalised = TOperations.Multiply(centred, scales);
            TOperations.Store(TOperations.MultiplyAdd(normalised, TOperations.Load(weight + i), TOperations.Load(bias + i)), y + i);
        }

        for (int i = whole; i < width; i++)
        {
            y[i] = ((x[i] - mean - correction) * scale * weight[i]) + bias[i];
        }
    }
}
