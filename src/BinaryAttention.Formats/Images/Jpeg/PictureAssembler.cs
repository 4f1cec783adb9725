namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Collects decoded samples one MCU row ("strip") at a time and writes the finished RGB rows. Of each component it keeps two strips: the vertical filter
/// looks one sample row up or down, so the last pixel row of a strip waits for the next strip. Memory besides the picture is a few sample rows.
/// </summary>
internal sealed class PictureAssembler
{
    private readonly JpegFrame _frame;
    private readonly ColorModel _colorModel;
    private readonly byte[] _pixels;
    private readonly byte[][] _strips;
    private readonly byte[][] _wideRows;
    private readonly ChromaUpsampling[] _upsampling;
    private int _finishedRows;

    /// <summary>Allocates the picture. The caller has checked the size and that the data can plausibly fill it.</summary>
    public PictureAssembler(JpegFrame frame, ColorModel colorModel)
    {
        _frame = frame;
        _colorModel = colorModel;
        _pixels = new byte[3L * frame.Width * frame.Height];
        _strips = new byte[frame.Components.Length][];
        _wideRows = new byte[frame.Components.Length][];
        _upsampling = new ChromaUpsampling[frame.Components.Length];
        for (int i = 0; i < _strips.Length; i++)
        {
            JpegComponent component = frame.Components[i];
            _strips[i] = new byte[2 * 8 * component.VerticalSampling * RowStride(i)];
            _wideRows[i] = new byte[Math.Max(frame.Width, 2 * component.Width)];
            _upsampling[i] = RowUpsampler.Choose(frame, component);
        }
    }

    /// <summary>Distance of two sample rows of a component.</summary>
    public int RowStride(int component) => 8 * _frame.Components[component].PaddedBlockColumns;

    /// <summary>Where the samples of a block belong, from its first sample on.</summary>
    /// <param name="component">Index of the component.</param>
    /// <param name="blockRow">Block row in the component, within the current strip.</param>
    /// <param name="blockColumn">Block column in the component.</param>
    public Span<byte> BlockSamples(int component, int blockRow, int blockColumn) =>
        _strips[component].AsSpan((StripRow(component, 8 * blockRow) * RowStride(component)) + (8 * blockColumn));

    /// <summary>Writes the pixel rows that can be finished once all blocks of an MCU row are there.</summary>
    public void CompleteStrip(int mcuRow)
    {
        int ready = mcuRow == _frame.McuRows - 1 ? _frame.Height : ((mcuRow + 1) * _frame.McuHeight) - 1;
        for (; _finishedRows < ready; _finishedRows++)
        {
            WriteRow(_finishedRows);
        }
    }

    /// <summary>The picture, after the last strip.</summary>
    public RgbImage ToImage() => new(_frame.Width, _frame.Height, _pixels);

    private void WriteRow(int y)
    {
        int rowBytes = 3 * _frame.Width;
        Span<byte> rgb = _pixels.AsSpan(y * rowBytes, rowBytes);
        ReadOnlySpan<byte> first = PixelRow(0, y);
        if (_colorModel == ColorModel.Grey)
        {
            ColorConversion.FromGrey(first, rgb);
            return;
        }

        ReadOnlySpan<byte> second = PixelRow(1, y);
        ReadOnlySpan<byte> third = PixelRow(2, y);
        if (_colorModel is ColorModel.YCbCr or ColorModel.InvertedYcck)
        {
            ColorConversion.FromYCbCr(first, second, third, rgb);
        }
        else
        {
            ColorConversion.FromRgb(first, second, third, rgb);
        }

        if (_colorModel == ColorModel.InvertedYcck)
        {
            ColorConversion.Complement(rgb);
        }

        if (_colorModel is ColorModel.InvertedYcck or ColorModel.InvertedCmyk)
        {
            ColorConversion.ApplyInvertedBlack(PixelRow(3, y), rgb);
        }
    }

    /// <summary>The samples of a component for one pixel row, one per pixel.</summary>
    private ReadOnlySpan<byte> PixelRow(int index, int y)
    {
        JpegComponent component = _frame.Components[index];
        Span<byte> wide = _wideRows[index];
        int near = y * component.VerticalSampling / _frame.MaxVerticalSampling;
        int far = (y & 1) != 0 ? Math.Min(near + 1, component.Height - 1) : Math.Max(near - 1, 0);
        switch (_upsampling[index])
        {
            case ChromaUpsampling.None:
                return SampleRow(index, near)[.._frame.Width];
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
                RowUpsampler.Repeat(SampleRow(index, near), component.HorizontalSampling, _frame.MaxHorizontalSampling, wide[.._frame.Width]);
                break;
        }

        return wide[.._frame.Width];
    }

    private ReadOnlySpan<byte> SampleRow(int index, int row) =>
        _strips[index].AsSpan(StripRow(index, row) * RowStride(index), _frame.Components[index].Width);

    private int StripRow(int component, int row) => row % (16 * _frame.Components[component].VerticalSampling);
}
