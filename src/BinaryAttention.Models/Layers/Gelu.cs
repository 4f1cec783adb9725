// The exact Gaussian error linear unit, gelu(x) = x * Phi(x) with Phi the normal distribution function, not the tanh approximation.
//
// With a = |x| and the upper tail Q(a) = 1 - Phi(a):   gelu(x) = (x + a) / 2 - a * Q(a)      (both signs of x)
//                                                      Q(a)    = exp(-a^2 / 2) * R(a)
// R is a polynomial of degree 11, fitted so that the largest error of exp(-a^2 / 2) * R(a) against Q on [0, 6.5] is 1.7e-8 (iteratively reweighted least
// squares in 50 digits); above 6.5 the exponential makes the term vanish. Absolute error against a double evaluation: see GeluTests.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal static unsafe class Gelu
{
    // exp(-40.5) is far below every rounding; the limit keeps the power of two in range.
    private const float LargestMagnitude = 9;

    /// <summary>Applies the function in place.</summary>
    public static void Apply(Span<float> values)
    {
        // SAFETY: every access stays inside the span: whole vectors first, then a copy of the rest.
        fixed (float* data = values)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Apply<Vector512<float>, Operations512>(data, values.Length);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Apply<Vector256<float>, Operations256>(data, values.Length);
            }
            else
            {
                Apply<Vector128<float>, Operations128>(data, values.Length);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Evaluate<TVector, TOperations>(TVector x)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        TVector magnitude = TOperations.Abs(x);
        TVector a = TOperations.Min(magnitude, TOperations.Broadcast(LargestMagnitude));

        TVector tail = Tail<TVector, TOperations>(a);
        TVector series = Exponential<TVector, TOperations>(a, out TVector power);
        TVector weighted = TOperations.Multiply(TOperations.Multiply(tail, a), TOperations.Multiply(series, power));
        TVector half = TOperations.Multiply(TOperations.Broadcast(0.5f), TOperations.Add(x, magnitude));
        return TOperations.Subtract(half, weighted);
    }

    /// <summary>The derivative <c>Phi(x) + x phi(x)</c> of the function, phi being the normal density.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Derivative<TVector, TOperations>(TVector x)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        TVector a = TOperations.Min(TOperations.Abs(x), TOperations.Broadcast(LargestMagnitude));
        TVector series = Exponential<TVector, TOperations>(a, out TVector power);
        TVector exponential = TOperations.Multiply(series, power);
        TVector upperTail = TOperations.Multiply(Tail<TVector, TOperations>(a), exponential);

        // Phi(x) = 1/2 + sign(x) (1/2 - Q(a)); the sign's steep ramp about 0 is multiplied by nearly 0.
        TVector sign = TOperations.Max(TOperations.Broadcast(-1f), TOperations.Min(TOperations.Broadcast(1f), TOperations.Multiply(x, TOperations.Broadcast(1e30f))));
        TVector half = TOperations.Broadcast(0.5f);
        TVector distribution = TOperations.MultiplyAdd(sign, TOperations.Subtract(half, upperTail), half);
        return TOperations.MultiplyAdd(x, TOperations.Multiply(exponential, TOperations.Broadcast(0.398942280401432677940f)), distribution);
    }

    /// <summary>The polynomial R.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Tail<TVector, TOperations>(TVector a)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        TVector tail = TOperations.Broadcast(-3.155093111217866e-07f);
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(7.708104931225535e-06f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(-8.476529910694808e-05f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(0.0005636261194013059f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(-0.0025900148320943117f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(0.009003712795674801f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(-0.02547166682779789f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(0.06192382797598839f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(-0.1328057497739792f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(0.24997256696224213f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(-0.3989405930042267f));
        tail = TOperations.MultiplyAdd(tail, a, TOperations.Broadcast(0.4999999701976776f));
        return tail;
    }

    /// <summary>exp(-a^2 / 2) as a product of a series and a power of two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Exponential<TVector, TOperations>(TVector a, out TVector power)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        // exp(-a^2 / 2) = 2^n * 2^f with n + f = -a^2 / (2 ln 2), |f| <= 1/2, and the Taylor series of 2^f.
        TVector exponent = TOperations.Multiply(TOperations.Multiply(a, a), TOperations.Broadcast(-0.72134752044448170368f));
        power = TOperations.PowerOfTwo(exponent, out TVector rounded);
        TVector f = TOperations.Subtract(exponent, rounded);
        TVector series = TOperations.Broadcast(1.5403530393381608e-04f);
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(1.3333558146428443e-03f));
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(9.6181291076284769e-03f));
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(5.5504108664821580e-02f));
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(2.4022650695910071e-01f));
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(6.9314718055994531e-01f));
        series = TOperations.MultiplyAdd(series, f, TOperations.Broadcast(1f));
        return series;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<TVector, TOperations>(float* data, int length)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int i = 0;
        for (; i <= length - TOperations.Count; i += TOperations.Count)
        {
            TOperations.Store(Evaluate<TVector, TOperations>(TOperations.Load(data + i)), data + i);
        }

        if (i < length)
        {
            float* rest = stackalloc float[TOperations.Count];
            var tail = new Span<float>(data + i, length - i);
            var copy = new Span<float>(rest, TOperations.Count);
            copy.Clear();
            tail.CopyTo(copy);
            TOperations.Store(Evaluate<TVector, TOperations>(TOperations.Load(rest)), rest);
            copy[..tail.Length].CopyTo(tail);
        }
    }
}
