using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Files built to cost much or to confuse: each is refused with a message that names the trouble, before it costs anything.</summary>
public sealed class JpegHostileTests
{
    [Theory]
    [InlineData(0xC0)]
    [InlineData(0xC2)]
    public void A_Large_Header_Over_Few_Bytes_Allocates_Little(byte marker)
    {
        byte[] file = new JpegBuilder(10_000, 10_000, 1).Quantization().Huffman()
            .Segment(marker, 8, 0x27, 0x10, 0x27, 0x10, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
            .ScanHeader(0, marker == 0xC2 ? (byte)0 : (byte)63, 0, 1, 2, 3).Raw(new byte[20]).End();
        _ = Refusal(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Refusal(file);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Contains("cannot hold them", message, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, 100_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_Single_Component_Scan_Is_Bounded_By_Its_Own_Blocks(int component)
    {
        byte[] file = new JpegBuilder(10_000, 10_000, 1).Quantization().Huffman()
            .Segment(0xC0, 8, 0x27, 0x10, 0x27, 0x10, 3, 1, 0x44, 0, 2, 0x11, 0, 3, 0x44, 0)
            .ScanHeader(0, 63, 0, component).Raw(new byte[2000]).End();
        Assert.Contains("cannot hold them", Refusal(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_Are_Checked_From_The_Header()
    {
        byte[] file = JpegBuilder.Sequential(40, 30, 1, (1, 1));
        Assert.Equal(40, ImageDecoder.Decode(file, "x", new ImageLimits { MaxSide = 40, MaxPixels = 1200 }).Width);
        Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(file, "x", new ImageLimits { MaxSide = 39 }));
        Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(file, "x", new ImageLimits { MaxPixels = 1199 }));
        byte[] huge = new JpegBuilder(65_535, 65_535, 1).Segment(0xC0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0).End();
        Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(huge, "x", new ImageLimits { MaxSide = int.MaxValue, MaxPixels = long.MaxValue }));
    }

    [Fact]
    public void A_Scan_Bomb_Is_Refused()
    {
        // Legal scans, one bit of one coefficient each: far more than an encoder writes.
        JpegBuilder builder = new JpegBuilder(8, 8, 1, (1, 1)).Tables(0xC2).Scan(0, 0, 0);
        for (byte coefficient = 1; coefficient < 64; coefficient++)
        {
            for (int bit = 13; bit >= 0; bit--)
            {
                int previous = bit == 13 ? 0 : bit + 1;
                builder.ScanHeader(coefficient, coefficient, (byte)((previous << 4) | bit), 1).Raw(0x00);
            }
        }

        Assert.Contains("one too many", Refusal(builder.End()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_Scan_Bomb_Over_A_Large_Picture_Is_Refused_By_Its_Work()
    {
        // 1.25 million blocks of zeros (code 0000 each), then scans that cover them with few bytes.
        JpegBuilder builder = new JpegBuilder(10_000, 8_000, 1).Quantization().Huffman()
            .Segment(0xC2, 8, 0x1F, 0x40, 0x27, 0x10, 1, 1, 0x11, 0)
            .ScanHeader(0, 0, 0, 1).Raw(new byte[625_000]);

        // End-of-band runs of 32,767 blocks: code 14 has index 14 * 11 among the AC symbols, then 14 ones.
        var run = new JpegBitWriter();
        for (int i = 0; i < 39; i++)
        {
            run.Write(14 * 11, 8);
            run.Write(0x3FFF, 14);
        }

        byte[] data = run.ToBytes();
        for (byte coefficient = 1; coefficient < 64; coefficient++)
        {
            builder.ScanHeader(coefficient, coefficient, 0, 1).Raw(data);
        }

        Assert.Contains("one too many", Refusal(builder.End()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xC3, "lossless")]
    [InlineData(0xC5, "hierarchical")]
    [InlineData(0xC9, "arithmetic")]
    [InlineData(0xCA, "arithmetic")]
    [InlineData(0xCB, "arithmetic")]
    [InlineData(0xCC, "arithmetic")]
    [InlineData(0xCF, "arithmetic")]
    [InlineData(0xC8, "reserved")]
    [InlineData(0xDC, "DNL")]
    [InlineData(0xDE, "hierarchical")]
    [InlineData(0xF0, "reserved")]
    [InlineData(0xD8, "no place")]
    [InlineData(0x02, "no place")]
    [InlineData(0x00, "no place")]
    public void Other_Codings_Are_Named(byte marker, string expected)
    {
        byte[] file = new JpegBuilder(8, 8, 1, (1, 1)).Quantization().Huffman().Frame(marker).End();
        Assert.Contains(expected, Refusal(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_Frame_Headers_Are_Refused()
    {
        JpegBuilder New() => new(8, 8, 1, (1, 1));
        Assert.Contains("12 bits", Refusal(New().Frame(0xC1, precision: 12).End()), StringComparison.Ordinal);
        Assert.Contains("0 x 8", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 0, 1, 1, 0x11, 0).End()), StringComparison.Ordinal);
        Assert.Contains("8 x 0", Refusal(New().Segment(0xC0, 8, 0, 0, 0, 8, 1, 1, 0x11, 0).End()), StringComparison.Ordinal);
        Assert.Contains("2 components", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 0).End()), StringComparison.Ordinal);
        Assert.Contains("0 components", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 0).End()), StringComparison.Ordinal);
        Assert.Contains("3 per component", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x11).End()), StringComparison.Ordinal);
        Assert.Contains("3 per component", Refusal(New().Segment(0xC0).End()), StringComparison.Ordinal);
        Assert.Contains("sampling", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x01, 0).End()), StringComparison.Ordinal);
        Assert.Contains("sampling", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x15, 0).End()), StringComparison.Ordinal);
        Assert.Contains("table 4", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x11, 4).End()), StringComparison.Ordinal);
        Assert.Contains("twice", Refusal(New().Segment(0xC0, 8, 0, 8, 0, 8, 3, 1, 0x11, 0, 1, 0x11, 0, 2, 0x11, 0).End()), StringComparison.Ordinal);
        Assert.Contains("second frame", Refusal(New().Frame().Frame().End()), StringComparison.Ordinal);
        Assert.Contains("before the frame", Refusal(New().Quantization().Huffman().Scan(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("without a frame", Refusal(New().End()), StringComparison.Ordinal);
        Assert.Contains("each component", Refusal(New().Tables().End()), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_Tables_Are_Refused()
    {
        JpegBuilder New() => new(8, 8, 1, (1, 1));
        byte[] counts = new byte[16];
        Assert.Contains("quantization table 0 is not defined", Refusal(New().Huffman().Frame().Scan(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("Huffman table 0 is not defined", Refusal(New().Quantization().Frame().Scan(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("step of 0", Refusal(New().Quantization(0).End()), StringComparison.Ordinal);
        Assert.Contains("slot 4", Refusal(New().Segment(0xDB, [4, .. new byte[64]]).End()), StringComparison.Ordinal);
        Assert.Contains("precision code 2", Refusal(New().Segment(0xDB, [0x20, .. new byte[64]]).End()), StringComparison.Ordinal);
        Assert.Contains("64 bytes", Refusal(New().Segment(0xDB, [0, .. new byte[63]]).End()), StringComparison.Ordinal);
        Assert.Contains("prefix code", Refusal(New().Segment(0xC4, [0, .. counts]).End()), StringComparison.Ordinal);
        Assert.Contains("prefix code", Refusal(New().Segment(0xC4, [0, 3, .. counts[1..], 1, 2, 3]).End()), StringComparison.Ordinal);
        Assert.Contains("symbols", Refusal(New().Segment(0xC4, [0, 2, .. counts[1..], 1]).End()), StringComparison.Ordinal);
        Assert.Contains("16 code counts", Refusal(New().Segment(0xC4, [0, 2]).End()), StringComparison.Ordinal);
        Assert.Contains("class 2", Refusal(New().Segment(0xC4, [0x20, .. counts]).End()), StringComparison.Ordinal);
        Assert.Contains("above 15", Refusal(New().Tables().Segment(0xC4, [0, 1, .. counts[1..], 16]).Scan(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("restart interval", Refusal(New().Segment(0xDD, 1).End()), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_Scan_Headers_Are_Refused()
    {
        JpegBuilder Sequential() => new JpegBuilder(16, 16, 1, (1, 1), (1, 1), (1, 1)).Tables();
        JpegBuilder Progressive() => new JpegBuilder(16, 16, 1, (1, 1), (1, 1), (1, 1)).Tables(0xC2);
        Assert.Contains("does not have", Refusal(Sequential().ScanHeader(0, 63, 0, 1, 2, 4).End()), StringComparison.Ordinal);
        Assert.Contains("named before", Refusal(Sequential().ScanHeader(0, 63, 0, 1, 2, 2).End()), StringComparison.Ordinal);
        Assert.Contains("0 components", Refusal(Sequential().ScanHeader(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("5 components", Refusal(Sequential().ScanHeader(0, 63, 0, 1, 2, 3, 4, 5).End()), StringComparison.Ordinal);
        Assert.Contains("are due", Refusal(Sequential().Segment(0xDA, 1, 1, 0, 0, 63).End()), StringComparison.Ordinal);
        Assert.Contains("0..3", Refusal(Sequential().Segment(0xDA, 1, 1, 0x40, 0, 63, 0).Raw(new byte[50]).End()), StringComparison.Ordinal);
        Assert.Contains("0..63", Refusal(Sequential().ScanHeader(0, 62, 0, 1, 2, 3).End()), StringComparison.Ordinal);
        Assert.Contains("all bits", Refusal(Sequential().ScanHeader(0, 63, 1, 1, 2, 3).End()), StringComparison.Ordinal);
        Assert.Contains("one scan", Refusal(Sequential().Scan(0, 63, 0).Scan(0, 63, 0).End()), StringComparison.Ordinal);
        Assert.Contains("at most 10", Refusal(new JpegBuilder(16, 16, 1, (4, 2), (2, 1), (1, 1)).Tables().ScanHeader(0, 63, 0, 1, 2, 3).End()), StringComparison.Ordinal);

        Assert.Contains("coefficient 0 alone", Refusal(Progressive().ScanHeader(0, 63, 0, 1).End()), StringComparison.Ordinal);
        Assert.Contains("within 1..63", Refusal(Progressive().Scan(0, 0, 0).ScanHeader(5, 64, 0, 1).End()), StringComparison.Ordinal);
        Assert.Contains("within 1..63", Refusal(Progressive().Scan(0, 0, 0).ScanHeader(5, 4, 0, 1).End()), StringComparison.Ordinal);
        Assert.Contains("DC coefficients have to come first", Refusal(Progressive().ScanHeader(1, 5, 0, 1).End()), StringComparison.Ordinal);
        Assert.Contains("has one component", Refusal(Progressive().Scan(0, 0, 0, 1, 2).ScanHeader(1, 5, 0, 1, 2).End()), StringComparison.Ordinal);
        Assert.Contains("bits are numbered", Refusal(Progressive().ScanHeader(0, 0, 14, 1).End()), StringComparison.Ordinal);
        Assert.Contains("adds one bit", Refusal(Progressive().ScanHeader(0, 0, 0x20, 1).End()), StringComparison.Ordinal);
        Assert.Contains("not known yet", Refusal(Progressive().ScanHeader(0, 0, 0x10, 1).End()), StringComparison.Ordinal);
        Assert.Contains("down to bit 0", Refusal(Progressive().Scan(0, 0, 0).ScanHeader(0, 0, 0, 1).End()), StringComparison.Ordinal);
        Assert.Contains("each component", Refusal(Progressive().Scan(0, 0, 0).Scan(1, 63, 0).End()), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_Restart_Markers_Are_Refused()
    {
        JpegBuilder New() => new JpegBuilder(32, 8, 1, (1, 1)).Tables().RestartInterval(1);
        byte[] scan = New().ScanData(0, 63, 0);
        int second = scan.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD1]);
        byte[] File(byte[] data) => New().ScanHeader(0, 63, 0, 1).Raw(data).End();
        _ = ImageDecoder.Decode(File(scan));
        Assert.Contains("RST1 is due", Refusal(File([.. scan[..(second + 1)], 0xD2, .. scan[(second + 2)..]])), StringComparison.Ordinal);
        Assert.Contains("longer than", Refusal(File([.. scan[..second], 0x55, .. scan[second..]])), StringComparison.Ordinal);
        Assert.Contains("longer than", Refusal(File([.. scan[..second], .. new byte[20], .. scan[(second + 2)..]])), StringComparison.Ordinal);
        Assert.Contains("ends before", Refusal(New().ScanHeader(0, 63, 0, 1).Raw(scan[..second]).ToBytes()), StringComparison.Ordinal);
    }

    [Fact]
    public void Markers_Cut_Short_Are_Refused()
    {
        JpegBuilder New() => new(8, 8, 1, (1, 1));
        Assert.Contains("at least 2", Refusal(New().Raw(0xFF, 0xDB, 0, 1, 0, 0).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("at least 2", Refusal(New().Raw(0xFF, 0xDB, 0, 9, 0, 0).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal(New().Raw(0xFF, 0xDB, 0).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal(New().Raw(0xFF, 0xFF, 0xFF).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal(New().ToBytes()), StringComparison.Ordinal);
        Assert.Contains("where a marker", Refusal(New().Raw(0x12).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal([0xFF, 0xD8, .. Enumerable.Repeat((byte)0xFF, 100_000)]), StringComparison.Ordinal);
    }

    private static string Refusal(byte[] file)
    {
        FileFormatException error = Assert.Throws<FileFormatException>(() => ImageDecoder.Decode(file, "hostile.jpg"));
        Assert.InRange(error.ByteOffset, 0, file.Length);
        return error.Message;
    }
}
