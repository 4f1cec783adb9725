using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>The same coefficients in another arrangement of scans, restarts, tables and markers give the same picture.</summary>
public sealed class JpegLayoutTests
{
    public static TheoryData<int, int, int, int, int, int> Samplings => new()
    {
        // width, height, luma horizontal and vertical, chroma horizontal and vertical
        { 1, 1, 2, 2, 1, 1 },
        { 17, 9, 1, 1, 1, 1 },
        { 33, 35, 2, 2, 1, 1 },
        { 40, 20, 2, 1, 1, 1 },
        { 20, 40, 1, 2, 1, 1 },
        { 67, 33, 4, 1, 1, 1 },
        { 35, 70, 1, 4, 1, 1 },
        { 50, 50, 4, 2, 1, 1 },
        { 50, 50, 3, 1, 1, 1 },
        { 50, 50, 3, 1, 2, 1 },
        { 50, 50, 1, 2, 2, 1 },
        { 65, 40, 2, 1, 1, 2 },
    };

    [Theory]
    [MemberData(nameof(Samplings))]
    public void Scans_May_Be_Divided_In_Any_Way(int width, int height, int lumaH, int lumaV, int chromaH, int chromaV)
    {
        JpegBuilder New() => new(width, height, 3, (lumaH, lumaV), (chromaH, chromaV), (chromaH, chromaV));
        byte[] expected = Decode(New().Tables().Scan(0, 63, 0, 1, 2).End());
        Assert.Equal(expected, Decode(New().Tables().Scan(0, 63, 0).Scan(0, 63, 1).Scan(0, 63, 2).End()));
        Assert.Equal(expected, Decode(New().Tables(0xC1).Scan(0, 63, 2).Scan(0, 63, 0, 1).End()));
        Assert.Equal(expected, Decode(New().Tables().RestartInterval(1).Scan(0, 63, 0, 1, 2).End()));
        Assert.Equal(expected, Decode(New().Tables().RestartInterval(3).Scan(0, 63, 1).Scan(0, 63, 0).Scan(0, 63, 2).End()));
        Assert.Equal(expected, Decode(New().Tables(0xC2).Scan(0, 0, 0, 1, 2).Scan(1, 5, 0).Scan(6, 63, 0).Scan(1, 63, 2).Scan(1, 63, 1).End()));
        Assert.Equal(expected, Decode(New().Tables(0xC2).Scan(0, 0, 1).Scan(0, 0, 0, 2).Scan(1, 63, 1).Scan(1, 63, 0).Scan(1, 63, 2).End()));
    }

    [Fact]
    public void Sampling_Factors_Of_A_Single_Component_Mean_Nothing()
    {
        byte[] expected = Decode(JpegBuilder.Sequential(37, 29, 5, (1, 1)));
        byte[] scan = new JpegBuilder(37, 29, 5, (1, 1)).ScanData(0, 63, 0);
        byte[] file = new JpegBuilder(37, 29, 5, (1, 1)).Quantization().Huffman()
            .Segment(0xC0, 8, 0, 29, 0, 37, 1, 1, 0x42, 0).ScanHeader(0, 63, 0, 1).Raw(scan).End();
        Assert.Equal(expected, Decode(file));
    }

    [Fact]
    public void Quantization_Tables_May_Have_16_Bit_Entries()
    {
        JpegBuilder New() => new(20, 20, 9, (1, 1));
        byte[] narrow = Decode(New().Quantization(7).Huffman().Frame().Scan(0, 63, 0).End());
        byte[] wide = Decode(New().Quantization(7, wide: true).Huffman().Frame().Scan(0, 63, 0).End());
        Assert.Equal(narrow, wide);
    }

    [Fact]
    public void A_Table_Redefined_Between_Scans_Applies_To_Later_Components()
    {
        JpegBuilder New() => new(16, 16, 4, (1, 1), (1, 1), (1, 1));
        byte[] file = New().Quantization(4).Huffman().Frame(ids: "RGB")
            .ScanHeader(0, 63, 0, 'R').Raw(New().ScanData(0, 63, 0)).Quantization(1)
            .ScanHeader(0, 63, 0, 'G').Raw(New().ScanData(0, 63, 1))
            .ScanHeader(0, 63, 0, 'B').Raw(New().ScanData(0, 63, 2)).End();
        byte[] all4 = Rgb(New(), 4);
        byte[] all1 = Rgb(New(), 1);
        byte[] mixed = Decode(file);
        for (int i = 0; i < mixed.Length; i++)
        {
            Assert.Equal(i % 3 == 0 ? all4[i] : all1[i], mixed[i]);
        }
    }

    [Fact]
    public void Fill_Bytes_Comments_And_Stray_Restart_Markers_Are_Passed()
    {
        JpegBuilder New() => new(30, 30, 2, (2, 1), (1, 1), (1, 1));
        byte[] expected = Decode(New().Tables().Scan(0, 63, 0, 1, 2).End());
        byte[] scan = New().ScanData(0, 63, 0, 1, 2);
        byte[] file = New().Raw(0xFF, 0xFF, 0xFF).Segment(0xFE, "hello"u8.ToArray()).Raw(0xFF, 0x01).Segment(0xE1, 1, 2, 3)
            .Raw(0xFF).Tables().Raw(0xFF, 0xD3).ScanHeader(0, 63, 0, 1, 2, 3).Raw(scan).Raw(0xFF, 0xFF, 0xFF, 0xD9, 0xFF, 0xC0).ToBytes();
        Assert.Equal(expected, Decode(file));
    }

    [Fact]
    public void Fill_Bytes_In_Front_Of_A_Restart_Marker_Are_Passed()
    {
        JpegBuilder New() => new JpegBuilder(30, 8, 2, (1, 1)).Tables().RestartInterval(2);
        byte[] scan = New().ScanData(0, 63, 0);
        int restart = scan.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD0]);
        Assert.True(restart > 0);
        byte[] file = New().ScanHeader(0, 63, 0, 1).Raw([.. scan[..restart], 0xFF, 0xFF, .. scan[restart..]]).End();
        Assert.Equal(Decode(New().Scan(0, 63, 0).End()), Decode(file));
    }

    [Fact]
    public void Components_Are_Rgb_By_Adobe_Marker_Or_Ids_And_YCbCr_By_Jfif()
    {
        byte[] jfif = [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0];
        byte[] Adobe(byte transform) => [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform];
        JpegBuilder New() => new(16, 16, 8, (1, 1), (1, 1), (1, 1));
        byte[] File(JpegBuilder start, string? ids = null)
        {
            int[] scanIds = ids is null ? [1, 2, 3] : [ids[0], ids[1], ids[2]];
            return start.Quantization().Huffman().Frame(ids: ids).ScanHeader(0, 63, 0, scanIds).Raw(New().ScanData(0, 63, 0, 1, 2)).End();
        }

        byte[] ycbcr = Decode(File(New()));
        byte[] rgb = Decode(File(New(), "RGB"));
        Assert.NotEqual(ycbcr, rgb);
        Assert.Equal(rgb, Decode(File(New().Segment(0xEE, Adobe(0)))));
        Assert.Equal(ycbcr, Decode(File(New().Segment(0xEE, Adobe(1)))));
        Assert.Equal(ycbcr, Decode(File(New().Segment(0xEE, Adobe(1)), "RGB")));
        Assert.Equal(ycbcr, Decode(File(New().Segment(0xE0, jfif), "RGB")));
        Assert.Equal(ycbcr, Decode(File(New().Segment(0xE0, jfif).Segment(0xEE, Adobe(0)))));
        Assert.Equal(ycbcr, Decode(File(New(), "abc")));
    }

    [Fact]
    public void Ycck_Is_Cmyk_With_Its_First_Three_Components_Transformed()
    {
        byte[] Adobe(byte transform) => [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform];
        JpegBuilder New() => new(16, 16, 8, (1, 1), (1, 1), (1, 1), (1, 1));
        byte[] cmyk = Decode(New().Segment(0xEE, Adobe(0)).Tables().Scan(0, 63, 0, 1, 2, 3).End());
        byte[] ycck = Decode(New().Segment(0xEE, Adobe(2)).Tables().Scan(0, 63, 0, 1, 2, 3).End());
        byte[] unmarked = Decode(New().Tables().Scan(0, 63, 0, 1, 2, 3).End());
        byte[] three = Decode(new JpegBuilder(16, 16, 8, (1, 1), (1, 1), (1, 1)).Tables().Scan(0, 63, 0, 1, 2).End());
        byte[] threeRgb = Rgb(new JpegBuilder(16, 16, 8, (1, 1), (1, 1), (1, 1)), 4);
        Assert.Equal(cmyk, unmarked);
        for (int i = 0; i < cmyk.Length; i++)
        {
            // The black of a pixel lies between the two pictures: light through ink never exceeds the light alone.
            Assert.True(cmyk[i] <= threeRgb[i]);
            Assert.True(ycck[i] <= 255 - three[i]);
        }
    }

    [Fact]
    public void A_Progressive_File_May_End_Before_All_Precision_Is_Delivered_If_It_Says_So()
    {
        JpegBuilder New() => new JpegBuilder(24, 24, 6, (1, 1)).Tables(0xC2).Scan(0, 0, 0);
        byte[] blocks = Decode(New().End());
        Assert.Equal(blocks[0], blocks[3]);
        Assert.Throws<FileFormatException>(() => Decode(New().ToBytes()));
    }

    private static byte[] Rgb(JpegBuilder builder, byte step) =>
        Decode(builder.Segment(0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0]).Quantization(step).Huffman().Frame().Scan(0, 63, 0, 1, 2).End());

    private static byte[] Decode(byte[] file) => ImageDecoder.Decode(file).Pixels;
}
