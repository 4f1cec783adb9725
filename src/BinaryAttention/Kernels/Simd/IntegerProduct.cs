// sums[6 queries][channels] += probabilities[6][keys] . values[keys][channels], exact integers. One panel of channels (two vectors) at a time: twelve sums stay in
// registers while the keys stream by; per key group two value loads, six broadcasts, twelve multiply-adds.
// Overflow: a lane grows by at most 255 * 127 per key, so MaxKeys keys fit into 32 bits; the caller empties the sums that often.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class IntegerProduct<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IIntegerLanes<TVector>
{
    /// <summary>Keys after which 32-bit sums must be emptied: 65,536 * 255 * 127 = 2,122,383,360 is below 2^31.</summary>
    public const int MaxKeys = 65_536;

    public static int PanelChannels => 2 * TLanes.Channels;

    /// <summary>Adds one panel over a run of key groups.</summary>
    /// <param name="probabilities">Six rows; a group takes four bytes.</param>
    /// <param name="rowBytes">Bytes from row to row.</param>
    /// <param name="values">The panel's values of the first group.</param>
    /// <param name="groups">Number of key groups.</param>
    /// <param name="sums">Six rows of 32-bit sums; this panel's first channel.</param>
    /// <param name="sumStride">Elements from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(byte* probabilities, nint rowBytes, sbyte* values, int groups, int* sums, nint sumStride)
    {
        int channels = TLanes.Channels;
        int valueBytes = TLanes.Channels * TLanes.GroupKeys;
        TVector sum00 = TLanes.Load(sums), sum01 = TLanes.Load(sums + channels);
        TVector sum10 = TLanes.Load(sums + sumStride), sum11 = TLanes.Load(sums + sumStride + channels);
        TVector sum20 = TLanes.Load(sums + (2 * sumStride)), sum21 = TLanes.Load(sums + (2 * sumStride) + channels);
        TVector sum30 = TLanes.Load(sums + (3 * sumStride)), sum31 = TLanes.Load(sums + (3 * sumStride) + channels);
        TVector sum40 = TLanes.Load(sums + (4 * sumStride)), sum41 = TLanes.Load(sums + (4 * sumStride) + channels);
        TVector sum50 = TLanes.Load(sums + (5 * sumStride)), sum51 = TLanes.Load(sums + (5 * sumStride) + channels);
        byte* row3 = probabilities + (3 * rowBytes);
        for (int group = 0; group < groups; group++)
        {
            TVector value0 = TLanes.LoadValues(values);
            TVector value1 = TLanes.LoadValues(values + valueBytes);
            TVector probability = TLanes.BroadcastProbabilities(probabilities);
            sum00 = TLanes.MultiplyAdd(sum00, probability, value0);
            sum01 = TLanes.MultiplyAdd(sum01, probability, value1);
            probability = TLanes.BroadcastProbabilities(probabilities + rowBytes);
            sum10 = TLanes.MultiplyAdd(sum10, probability, value0);
            sum11 = TLanes.MultiplyAdd(sum11, probability, value1);
            probability = TLanes.BroadcastProbabilities(probabilities + (2 * rowBytes));
            sum20 = TLanes.MultiplyAdd(sum20, probability, value0);
            sum21 = TLanes.MultiplyAdd(sum21, probability, value1);
            probability = TLanes.BroadcastProbabilities(row3);
            sum30 = TLanes.MultiplyAdd(sum30, probability, value0);
            sum31 = TLanes.MultiplyAdd(sum31, probability, value1);
            probability = TLanes.BroadcastProbabilities(row3 + rowBytes);
            sum40 = TLanes.MultiplyAdd(sum40, probability, value0);
            sum41 = TLanes.MultiplyAdd(sum41, probability, value1);
            probability = TLanes.BroadcastProbabilities(row3 + (2 * rowBytes));
            sum50 = TLanes.MultiplyAdd(sum50, probability, value0);
            sum51 = TLanes.MultiplyAdd(sum51, probability, value1);
            values += 2 * valueBytes;
            probabilities += 4;
            row3 += 4;
        }

        TLanes.Store(sum00, sums);
        TLanes.Store(sum01, sums + channels);
        TLanes.Store(sum10, sums + sumStride);
        TLanes.Store(sum11, sums + sumStride + channels);
        TLanes.Store(sum20, sums + (2 * sumStride));
        TLanes.Store(sum21, sums + (2 * sumStride) + channels);
        TLanes.Store(sum30, sums + (3 * sumStride));
        TLanes.Store(sum31, sums + (3 * sumStride) + channels);
        TLanes.Store(sum40, sums + (4 * sumStride));
        TLanes.Store(sum41, sums + (4 * sumStride) + channels);
        TLanes.Store(sum50, sums + (5 * sumStride));
        TLanes.Store(sum51, sums + (5 * sumStride) + channels);
    }
}
