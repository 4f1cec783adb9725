// Stage B of one row: logit = rowFactor * keyScale * dot + bias with rowFactor = queryScale * logitScale, in float32; then exponentials and, unless Full, 8-bit probabilities.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.EightBit;

internal static unsafe class EightBitLogits<TFloat, TFloatLanes>
    where TFloat : struct
    where TFloatLanes : struct, IFloatLanes<TFloat>
{
    /// <summary>Computes one row.</summary>
    /// <param name="terms">What the logits are made of.</param>
    /// <param name="keys">Selected keys that the row counts, at least 1.</param>
    /// <param name="words">One bit per selected key, 0 = masked; null if none of the row's keys is.</param>
    /// <param name="isFull">Whether the exponentials stay floats.</param>
    /// <param name="logits">Room for the logits; in Full mode the exponentials stay there.</param>
    /// <param name="probabilities">Receives the 8-bit probabilities, except in Full mode.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static RowResult Row(in EightBitTerms terms, int keys, ulong* words, bool isFull, float* logits, byte* probabilities)
    {
        // Whole vectors; a key group of the integer product never reaches beyond them. Sums and scales are padded to 64 keys.
        int padded = (keys + TFloatLanes.Count - 1) / TFloatLanes.Count * TFloatLanes.Count;
        Fill(terms, keys, logits);
        if (words is not null)
        {
            MaskedRows.SetMinusInfinity(logits, words, keys);
        }

        new Span<float>(logits + keys, padded - keys).Fill(float.NegativeInfinity);
        double rowMax = LogitRows<TFloat, TFloatLanes>.Max(logits, padded);
        float rowSum = double.IsFinite(rowMax) ? LogitRows<TFloat, TFloatLanes>.Exponentials(logits, padded, (float)rowMax) : float.NaN;
        if (float.IsNaN(rowSum))
        {
            // Masked throughout, or a logit is beyond float32 (an infinity, or a NaN from infinity times 0), which the maximum may have lost to the padding.
            rowSum = terms.Exponentials(keys, words, logits, out rowMax);
            new Span<float>(logits + keys, padded - keys).Clear();
            if (rowSum == 0)
            {
                new Span<byte>(probabilities, padded).Clear();
                return RowResult.Masked;
            }
        }

        if (isFull)
        {
            return RowResult.Full(rowMax, rowSum);
        }

        LogitRows<TFloat, TFloatLanes>.Quantize(logits, padded, 255f, probabilities);
        return RowResult.TiledFloat(rowMax, rowSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill(in EightBitTerms terms, int keys, float* logits)
    {
        TFloat factor = TFloatLanes.Create(terms.QueryScale * terms.LogitScale);
        int* dots = terms.Dots;
        float* scales = terms.KeyScales;
        float* bias = terms.Bias;
        int whole = keys / TFloatLanes.Count * TFloatLanes.Count;
        if (bias is null)
        {
            for (int key = 0; key < keys; key += TFloatLanes.Count)
            {
                TFloatLanes.Store(TFloatLanes.Multiply(TFloatLanes.Multiply(factor, TFloatLanes.Load(scales + key)), FromIntegers(dots + key)), logits + key);
            }

            return;
        }

        for (int key = 0; key < whole; key += TFloatLanes.Count)
        {
            TFloatLanes.Store(TFloatLanes.MultiplyAdd(TFloatLanes.Multiply(factor, TFloatLanes.Load(scales + key)), FromIntegers(dots + key), TFloatLanes.Load(bias + key)), logits + key);
        }

        for (int key = whole; key < keys; key++)
        {
            logits[key] = (terms.QueryScale * terms.LogitScale * scales[key] * dots[key]) + bias[key]; // a bias is not padded
        }
    }

    // The branches are decided when the method is compiled.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat FromIntegers(int* source)
    {
        if (typeof(TFloat) == typeof(Vector512<float>))
        {
            return Unsafe.BitCast<Vector512<float>, TFloat>(Vector512.ConvertToSingle(Vector512.Load(source)));
        }

        return typeof(TFloat) == typeof(Vector256<float>)
            ? Unsafe.BitCast<Vector256<float>, TFloat>(Vector256.ConvertToSingle(Vector256.Load(source)))
            : Unsafe.BitCast<Vector128<float>, TFloat>(Vector128.ConvertToSingle(Vector128.Load(source)));
    }
}
