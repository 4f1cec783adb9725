namespace BinaryAttention.Formats.Images;

/// <summary>The two float32 passes of <see cref="ImageResizer"/>: sums in double, the intermediate and the result in float32.</summary>
internal static class FloatResampling
{
    public static float[] Resize(ReadOnlySpan<float> source, int sourceWidth, int sourceHeight, int channelCount, int width, int height, ResizeFilter filter)
    {
        ReadOnlySpan<float> narrowed = source;
        if (width != sourceWidth)
        {
            var buffer = new float[(long)sourceHeight * width * channelCount];
            ResampleTaps taps = ResampleTaps.Create(sourceWidth, width, 0, width, filter);
            for (int row = 0; row < sourceHeight; row++)
            {
                Pass(source.Slice(row * sourceWidth * channelCount, sourceWidth * channelCount), channelCount, taps, buffer.AsSpan(row * width * channelCount, width * channelCount));
            }

            narrowed = buffer;
        }

        if (height == sourceHeight)
        {
            return narrowed.ToArray();
        }

        // A column pass is the same sum with a whole row as the unit.
        var result = new float[(long)height * width * channelCount];
        Pass(narrowed, width * channelCount, ResampleTaps.Create(sourceHeight, height, 0, height, filter), result);
        return result;
    }

    // result[i] = sum over k of weight[i, k] * source[first[i] + k], where an element is unitLength values.
    private static void Pass(ReadOnlySpan<float> source, int unitLength, ResampleTaps taps, Span<float> result)
    {
        for (int i = 0; i < taps.OutputCount; i++)
        {
            ReadOnlySpan<double> weights = taps.Weights.AsSpan(i * taps.Stride, taps.Count[i]);
            ReadOnlySpan<float> window = source.Slice(taps.First[i] * unitLength, weights.Length * unitLength);
            Span<float> unit = result.Slice(i * unitLength, unitLength);
            for (int lane = 0; lane < unitLength; lane++)
            {
                double sum = 0;
                for (int k = 0; k < weights.Length; k++)
                {
                    sum += weights[k] * window[k * unitLength + lane];
                }

                unit[lane] = (float)sum;
            }
        }
    }
}
