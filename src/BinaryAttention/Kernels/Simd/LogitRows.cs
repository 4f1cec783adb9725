// One row of float logits and what follows from it: logit = rowFactor * columnWeight * (d - 2 distance) + bias, maximum, exponentials with their sum, 8-bit probabilities. Rows are
// padded to whole vectors with -infinity, so loops have no tail.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class LogitRows<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Logits(byte* distances, int keys, int dimension, float rowFactor, float* columnWeights, float* bias, float* logits)
    {
        TVector factor = TLanes.Create(rowFactor);
        TVector minusTwo = TLanes.Create(-2f);
        TVector headDimension = TLanes.Create(dimension);
        int key = 0;
        for (; key + TLanes.Count <= keys; key += TLanes.Count)
        {
            TVector signDot = TLanes.MultiplyAdd(TLanes.FromBytes(distances + key), minusTwo, headDimension);
            TVector weight = TLanes.Multiply(factor, TLanes.Load(columnWeights + key));
            TLanes.Store(bias is null ? TLanes.Multiply(weight, signDot) : TLanes.MultiplyAdd(weight, signDot, TLanes.Load(bias + key)), logits + key);
        }

        for (; key < keys; key++)
        {
            logits[key] = (rowFactor * columnWeights[key] * (dimension - (2 * distances[key]))) + (bias is null ? 0 : bias[key]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* logits, int padded)
    {
        TVector largest = TLanes.Load(logits);
        for (int key = TLanes.Count; key < padded; key += TLanes.Count)
        {
            largest = TLanes.Max(largest, TLanes.Load(logits + key));
        }

        return TLanes.MaxLane(largest);
    }

    /// <summary>Replaces logits by exp(logit - rowMax) and gives their sum, carried in double from chunk to chunk: one float sum would drift over long rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* logits, int padded, float rowMax)
    {
        TVector maximum = TLanes.Create(rowMax);
        double total = 0;
        for (int first = 0; first < padded; first += BinaryScratch.ChunkKeys)
        {
            TVector sum = TLanes.Zero;
            int end = Math.Min(padded, first + BinaryScratch.ChunkKeys);
            for (int key = first; key < end; key += TLanes.Count)
            {
                TVector exponential = FloatExponential<TVector, TLanes>.Exp(TLanes.Subtract(TLanes.Load(logits + key), maximum));
                TLanes.Store(exponential, logits + key);
                sum = TLanes.Add(sum, exponential);
            }

            total += TLanes.Sum(sum);
        }

        return (float)total;
    }

    /// <summary>round(scale * exponential) as bytes; the products lie in [0, 255].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* exponentials, int padded, float scale, byte* probabilities)
    {
        TVector factor = TLanes.Create(scale);
        for (int key = 0; key < padded; key += TLanes.Count)
        {
            TLanes.StoreBytes(TLanes.Multiply(TLanes.Load(exponentials + key), factor), probabilities + key);
        }
    }
}
