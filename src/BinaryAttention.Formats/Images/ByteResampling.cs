using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Formats.Images;

/// <summary>
/// The two 8-bit passes of <see cref="ImageResizer"/>: result = clip((2^21 + sum of weight * byte) >> 22) with weights in multiples of 2^-22. The sums are
/// integers, so their order does not matter and every vector width gives the same bits.
/// </summary>
internal static class ByteResampling
{
    private const int Half = 1 << (ResampleTaps.FixedPointBits - 1);

    /// <summary>Copies a range of columns: the horizontal pass of a resize that keeps the width.</summary>
    public static void CopyColumns(RgbImage image, int firstRow, int rowCount, int left, int width, Span<byte> destination)
    {
        for (int row = 0; row < rowCount; row++)
        {
            image.Pixels.AsSpan(3 * (image.Width * (firstRow + row) + left), 3 * width).CopyTo(destination[(3 * width * row)..]);
        }
    }

    /// <summary>Resamples along the rows; <paramref name="destination"/> is <c>[rowCount, taps.OutputCount, 3]</c>.</summary>
    public static void Horizontal(RgbImage image, int firstRow, int rowCount, ResampleTaps taps, Span<byte> destination)
    {
        int[] weights = taps.FixedPoint();
        int start = taps.SourceStart;

        // One vector a pixel: lanes 0..2 hold red, green, blue, lane 3 stays zero. Widened once a row, used by about 2 * radius output pixels.
        var widened = new Vector128<int>[taps.SourceEnd - start];
        int width = taps.OutputCount;
        for (int row = 0; row < rowCount; row++)
        {
            ReadOnlySpan<byte> source = image.Pixels.AsSpan(3 * (image.Width * (firstRow + row) + start), 3 * widened.Length);
            for (int i = 0; i < widened.Length; i++)
            {
                widened[i] = Vector128.Create(source[3 * i], source[3 * i + 1], source[3 * i + 2], 0);
            }

            Span<byte> output = destination.Slice(3 * width * row, 3 * width);
            for (int i = 0; i < width; i++)
            {
                ReadOnlySpan<int> pixelWeights = weights.AsSpan(i * taps.Stride, taps.Count[i]);
                ReadOnlySpan<Vector128<int>> pixels = widened.AsSpan(taps.First[i] - start, pixelWeights.Length);
                Vector128<int> sum = Vector128.Create(Half);
                for (int k = 0; k < pixels.Length; k++)
                {
                    sum += pixels[k] * pixelWeights[k];
                }

                sum = Clip(sum);
                output[3 * i] = (byte)sum[0];
                output[3 * i + 1] = (byte)sum[1];
                output[3 * i + 2] = (byte)sum[2];
            }
        }
    }

    /// <summary>Resamples along the columns of <paramref name="source"/>, rows of <paramref name="rowBytes"/> whose first is source row <paramref name="firstRow"/>.</summary>
    public static void Vertical(ReadOnlySpan<byte> source, int rowBytes, int firstRow, ResampleTaps taps, Span<byte> destination)
    {
        int[] weights = taps.FixedPoint();
        var sums = new int[rowBytes];
        for (int row = 0; row < taps.OutputCount; row++)
        {
            sums.AsSpan().Fill(Half);
            for (int k = 0; k < taps.Count[row]; k++)
            {
                Accumulate(source.Slice(rowBytes * (taps.First[row] - firstRow + k), rowBytes), weights[row * taps.Stride + k], sums);
            }

            Span<byte> output = destination.Slice(rowBytes * row, rowBytes);
            for (int i = 0; i < output.Length; i++)
            {
                output[i] = (byte)Math.Clamp(sums[i] >> ResampleTaps.FixedPointBits, 0, 255);
            }
        }
    }

    // sums[i] += weight * row[i]. A vector of bytes widens to four vectors of integers, lane order kept.
    private static void Accumulate(ReadOnlySpan<byte> row, int weight, Span<int> sums)
    {
        ReadOnlySpan<Vector<byte>> rowVectors = MemoryMarshal.Cast<byte, Vector<byte>>(row);
        Span<Vector<int>> sumVectors = MemoryMarshal.Cast<int, Vector<int>>(sums);
        for (int i = 0; i < rowVectors.Length; i++)
        {
            Vector.Widen(rowVectors[i], out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> first, out Vector<uint> second);
            Vector.Widen(high, out Vector<uint> third, out Vector<uint> fourth);
            Span<Vector<int>> target = sumVectors.Slice(4 * i, 4);
            target[0] += Vector.AsVectorInt32(first) * weight;
            target[1] += Vector.AsVectorInt32(second) * weight;
            target[2] += Vector.AsVectorInt32(third) * weight;
            target[3] += Vector.AsVectorInt32(fourth) * weight;
        }

        for (int i = rowVectors.Length * Vector<byte>.Count; i < row.Length; i++)
        {
            sums[i] += row[i] * weight;
        }
    }

    private static Vector128<int> Clip(Vector128<int> sum) =>
        Vector128.Min(Vector128.Max(Vector128.ShiftRightArithmetic(sum, ResampleTaps.FixedPointBits), Vector128<int>.Zero), Vector128.Create(255));
}
