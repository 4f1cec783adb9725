namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Doubles sample rows with a triangle filter: a new sample lies a quarter of the old distance from the nearer old sample, so it is
/// (3 near + far) / 4; at the picture's edge the far sample is the near one. Halves are rounded down and up in turn, which keeps the mean. Chroma samples are
/// taken as centred between the pixels they cover. Weights and rounding are those of the usual decoders' smooth upsampling.
/// </summary>
internal static class RowUpsampler
{
    /// <summary>The method for a component: a filter where exactly one or two directions are halved, else repetition.</summary>
    public static ChromaUpsampling Choose(JpegFrame frame, JpegComponent component)
    {
        bool sameWidth = component.HorizontalSampling == frame.MaxHorizontalSampling;
        bool sameHeight = component.VerticalSampling == frame.MaxVerticalSampling;
        bool halfWidth = 2 * component.HorizontalSampling == frame.MaxHorizontalSampling;
        bool halfHeight = 2 * component.VerticalSampling == frame.MaxVerticalSampling;

        // One or two samples in a row are repeated, not filtered, by the decoders this one agrees with.
        bool wideEnough = component.Width > 2;
        return (sameWidth, sameHeight) switch
        {
            (true, true) => ChromaUpsampling.None,
            (true, false) when halfHeight => ChromaUpsampling.TriangleVertical,
            (false, true) when halfWidth && wideEnough => ChromaUpsampling.TriangleHorizontal,
            (false, false) when halfWidth && halfHeight && wideEnough => ChromaUpsampling.TriangleBoth,
            _ => ChromaUpsampling.Repeat,
        };
    }

    /// <summary>Doubles a row. <paramref name="row"/> has at least two samples; twice as many are written.</summary>
    public static void Horizontal(ReadOnlySpan<byte> row, Span<byte> destination)
    {
        int last = row.Length - 1;
        destination = destination[..(2 * row.Length)];
        destination[0] = row[0];
        destination[1] = (byte)(((3 * row[0]) + row[1] + 2) >> 2);
        for (int i = 1; i < last; i++)
        {
            int near = 3 * row[i];
            destination[2 * i] = (byte)((near + row[i - 1] + 1) >> 2);
            destination[(2 * i) + 1] = (byte)((near + row[i + 1] + 2) >> 2);
        }

        destination[2 * last] = (byte)(((3 * row[last]) + row[last - 1] + 1) >> 2);
        destination[(2 * last) + 1] = row[last];
    }

    /// <summary>Blends the nearer and the farther row.</summary>
    /// <param name="near">The row whose samples cover the pixel row.</param>
    /// <param name="far">The neighbour on the pixel row's side.</param>
    /// <param name="farIsBelow">Halves are rounded up towards the row below, down towards the one above.</param>
    /// <param name="destination">As many samples as <paramref name="near"/>.</param>
    public static void Vertical(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, bool farIsBelow, Span<byte> destination)
    {
        far = far[..near.Length];
        destination = destination[..near.Length];
        int rounding = farIsBelow ? 2 : 1;
        for (int i = 0; i < near.Length; i++)
        {
            destination[i] = (byte)(((3 * near[i]) + far[i] + rounding) >> 2);
        }
    }

    /// <summary>Blends two rows and doubles the result, with one rounding from sixteenths.</summary>
    public static void Both(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> destination)
    {
        far = far[..near.Length];
        int last = near.Length - 1;
        destination = destination[..(2 * near.Length)];
        int previous = (3 * near[0]) + far[0];
        int current = previous;
        for (int i = 0; i < last; i++)
        {
            int next = (3 * near[i + 1]) + far[i + 1];
            destination[2 * i] = (byte)(((3 * current) + previous + 8) >> 4);
            destination[(2 * i) + 1] = (byte)(((3 * current) + next + 7) >> 4);
            previous = current;
            current = next;
        }

        destination[2 * last] = (byte)(((3 * current) + previous + 8) >> 4);
        destination[(2 * last) + 1] = (byte)(((4 * current) + 7) >> 4);
    }

    /// <summary>Repeats samples: pixel x takes sample <c>x * numerator / denominator</c>, rounded down.</summary>
    public static void Repeat(ReadOnlySpan<byte> row, int numerator, int denominator, Span<byte> destination)
    {
        int sample = 0;
        int fraction = 0;
        for (int x = 0; x < destination.Length; x++)
        {
            destination[x] = row[sample];
            fraction += numerator;
            if (fraction >= denominator)
            {
                // numerator <= denominator, so at most one step.
                fraction -= denominator;
                sample++;
            }
        }
    }
}
