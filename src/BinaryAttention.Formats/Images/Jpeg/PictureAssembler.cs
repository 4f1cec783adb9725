namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Collects decoded samples one MCU row ("strip") at a time and writes the finished RGB rows. Of each component it keeps two strips: the vertical filter
/// looks one sample row up or down, so the last pixel row of a strip waits for the next strip. Memory besides the picture is a few sample rows.
/// </summary>
internal sealed class PictureAssembler
{
    private readonly JpegFrame frame;
    private readonly ColorModel colorModel;
    private readonly byte[] pixels;
    private readonly byte[][] strips;
    private readonly byte[][] wideRows;
    private readonly ChromaUpsampling[] upsampling;
    private int finishedRows;

    /// <summary>Allocates the picture. The caller has checked the size and that the data can plausibly fill it.</summary>
    public PictureAssembler(JpegFrame frame, ColorModel colorModel)
    {
        this.frame = frame;
        this.colorModel = colorModel;
        pixels = new byte[3L * frame.Width * frame.Height];
        strips = new byte[frame.Components.Length][];
        wideRows = new byte[frame.Components.Length][];
        upsampling = new ChromaUpsampling[frame.Components.Length];
        for (int i = 0; i < strips.Length; i++)
        {
            JpegComponent component = frame.Components[i];
            strips[i] = new byte[2 * 8 * component.VerticalSampling * RowStride(i)];
            wideRows[i] = new byte[Math.Max(frame.Width, 2 * component.Width)];
            upsampling[i] = RowUpsampler.Choose(frame, component);
        }
    }

    /// <summary>Distance of two sample rows of a component.</summary>
    public int RowStride(int component) => 8 * frame.Components[component].PaddedBlockColumns;

    /// <summary>Where the samples of a block belong, from its first sample on.</summary>
    /// <param name="component">Index of the component.</param>
    /// <param name="blockRow">Block row in the component, within the current strip.</param>
    /// <param name="blockColumn">Block column in the component.</param>
    public Span<byte> BlockSamples(int component, int blockRow, int blockColumn) =>
        strips[component].AsSpan((StripRow(component, 8 * blockRow) * RowStride(component)) + (8 * blockColumn));

    /// <summary>Writes the pixel rows that can be finished once all blocks of an MCU row are there.</summary>
    public void CompleteStrip(int mcuRow)
    {
        int ready = mcuRow == frame.McuRows - 1 ? frame.Height : ((mcuRow + 1) * frame.McuHeight) - 1;
        for (; finishedRows < ready; finishedRows++)
        {
            WriteRow(finishedRows);
        }
    }

    /// <summary>The picture, after the last strip.</summary>
    public RgbImage ToImage() => new(frame.Width, frame.Height, pixels);

    private void WriteRow(int y)
    {
        int rowBytes = 3 * frame.Width;
        Span<byte> rgb = pixels.AsSpan(y * rowBytes, rowBytes);
        ReadOnlySpan<byte> first = PixelRow(0, y);
        if (colorModel == ColorModel.Grey)
        {
            ColorConversion.FromGrey(first, rgb);
            return;
        }

        ReadOnlySpan<byte> second = PixelRow(1, y);
        ReadOnlySpan<byte> third = PixelRow(2, y);
        if (colorModel is ColorModel.YCbCr or ColorModel.InvertedYcck)
        {
            ColorConversion.FromYCbCr(first, second, third, rgb);
        }
        else
        {
            ColorConversion.FromRgb(first, second, third, rgb);
        }

        if (colorModel == ColorModel.InvertedYcck)
        {
            ColorConversion.Complement(rgb);
        }

        if (colorModel is ColorModel.InvertedYcck or ColorModel.InvertedCmyk)
        {
            ColorConversion.ApplyInvertedBlack(PixelRow(3, y), rgb);
        }
    }

    /// <summary>The samples of a component for one pixel row, one per pixel.</summary>
    private ReadOnlySpan<byte> PixelRow(int index, int y)
    {
        JpegComponent component = frame.Components[index];
        Span<byte> wide = wideRows[index];
        int near = y * component.VerticalSampling / frame.MaxVerticalSampling;
        int far = (y & 1) != 0 ? Math.Min(near + 1, component.Height - 1) : Math.Max(near - 1, 0);
        switch (upsampling[index])
        {
            case ChromaUpsampling.None:
                return SampleRow(index, near)[..frame.Width];
            case ChromaUpsampling.TriangleHorizontal:
                RowUpsampler.Horizontal(SampleRow(index, near), wide);
                break;
            case ChromaUpsampling.TriangleVertical:
                RowUpsampler.Vertical(SampleRow(index, near), SampleRow(index, far), farIsBelow: (y & 1) != 0, wide);
                break;
            case ChromaUpsampling.TriangleBoth:
                RowUpsampler.Both(SampleRow(index, near), SampleRow(index, far), wide);
                break;
            default:
                RowUpsampler.Repeat(SampleRow(index, near), component.HorizontalSampling, frame.MaxHorizontalSampling, wide[..frame.Width]);
                break;
        }

        return wide[..frame.Width];
    }

    private ReadOnlySpan<byte> SampleRow(int index, int row) =>
        strips[index].AsSpan(StripRow(index, row) * RowStride(index), frame.Components[index].Width);

    private int StripRow(int component, int row) => row % (16 * frame.Components[component].VerticalSampling);
}
