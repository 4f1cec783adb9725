namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// One component (Y, Cb, Cr, ...) of a frame: its sampling, its size in samples and blocks, and what the scans have delivered for it so far.
/// </summary>
internal sealed class JpegComponent
{
    /// <summary>Value of <see cref="KnownPrecision"/> for a coefficient that no scan has delivered.</summary>
    public const sbyte NotDelivered = -1;

    public JpegComponent(byte id, int horizontalSampling, int verticalSampling, int quantizationIndex)
    {
        Id = id;
        HorizontalSampling = horizontalSampling;
        VerticalSampling = verticalSampling;
        QuantizationIndex = quantizationIndex;
        Array.Fill(KnownPrecision, NotDelivered);
    }

    public byte Id { get; }

    public int HorizontalSampling { get; }

    public int VerticalSampling { get; }

    public int QuantizationIndex { get; }

    /// <summary>Size in samples: the picture's size times sampling / largest sampling, rounded up.</summary>
    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>Blocks that hold at least one sample: what a scan of this component alone contains.</summary>
    public int BlockColumns { get; private set; }

    public int BlockRows { get; private set; }

    /// <summary>Blocks in whole MCUs: what an interleaved scan contains and what is stored.</summary>
    public int PaddedBlockColumns { get; private set; }

    public int PaddedBlockRows { get; private set; }

    /// <summary>Step sizes in natural (row-major) order, as in force at the component's first scan; null before it.</summary>
    public ushort[]? Quantization { get; set; }

    /// <summary>Quantized coefficients, 64 per block in natural order; null until a scan needs them.</summary>
    public short[]? Coefficients { get; set; }

    /// <summary>For each coefficient in zigzag order: the lowest bit delivered so far, or <see cref="NotDelivered"/>.</summary>
    public sbyte[] KnownPrecision { get; } = new sbyte[64];

    /// <summary>Whether every coefficient has been delivered down to bit 0.</summary>
    public bool IsComplete => !KnownPrecision.AsSpan().ContainsAnyExcept((sbyte)0);

    /// <summary>The tables of the current scan.</summary>
    public HuffmanTable? DcTable { get; set; }

    public HuffmanTable? AcTable { get; set; }

    /// <summary>The DC value of the previous block of the current scan.</summary>
    public int DcPredictor;

    /// <summary>Derives the sizes from the frame's. Called once by the frame.</summary>
    public void SetSizes(JpegFrame frame)
    {
        Width = CeilingDivide(frame.Width * HorizontalSampling, frame.MaxHorizontalSampling);
        Height = CeilingDivide(frame.Height * VerticalSampling, frame.MaxVerticalSampling);
        BlockColumns = CeilingDivide(Width, 8);
        BlockRows = CeilingDivide(Height, 8);
        PaddedBlockColumns = frame.McuColumns * HorizontalSampling;
        PaddedBlockRows = frame.McuRows * VerticalSampling;
    }

    /// <summary>The 64 coefficients of one block.</summary>
    public Span<short> Block(int row, int column) => Coefficients.AsSpan(((row * PaddedBlockColumns) + column) * 64, 64);

    private static int CeilingDivide(int value, int divisor) => (value + divisor - 1) / divisor;
}
