using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>Files that break one rule each, bombs, and the leniencies the decoder documents.</summary>
public sealed class PngHostileTests
{
    // 2 x 2 RGB, filter 0.
    private static readonly byte[] Rows = [0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12];
    private static readonly byte[] Pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    [Fact]
    public void Decodes_TheUndamagedFile() => Assert.Equal(Pixels, PngBuilder.Decode(Start().Data(Rows).End().ToArray()).Pixels);

    [Fact]
    public void Ignores_WhatLosesNothing()
    {
        // Bytes behind IEND, bytes behind the zlib stream, an empty IDAT, ancillary chunks with a wrong CRC, a suggested palette.
        Assert.Equal(Pixels, PngBuilder.Decode(Start().Data(Rows).End().Bytes("trailing"u8).ToArray()).Pixels);
        Assert.Equal(Pixels, PngBuilder.Decode(Start().Chunk("IDAT", [.. PngBuilder.Deflate(Rows), 1, 2, 3]).End().ToArray()).Pixels);
        Assert.Equal(Pixels, PngBuilder.Decode(Start().Chunk("IDAT", []).Data(Rows).Chunk("IDAT", []).End().ToArray()).Pixels);
        Assert.Equal(Pixels, PngBuilder.Decode(Start().Chunk("teXt", [1, 2], damageCrc: true).Data(Rows).Chunk("tIME", [9], damageCrc: true).End().ToArray()).Pixels);
        Assert.Equal(Pixels, PngBuilder.Decode(Start().Palette(5).Data(Rows).End().ToArray()).Pixels);
    }

    [Fact]
    public void LongPalette_IsAllowed_IndexBeyondShortPalette_IsNot()
    {
        byte[] row = [0, 0b1101_1000];
        Assert.Equal(12, PngBuilder.Decode(new PngBuilder().Header(4, 1, 2, 3).Palette(256).Data(row).End().ToArray()).Pixels.Length);
        Refuses("palette entry 3; the palette has 3 entries", new PngBuilder().Header(4, 1, 2, 3).Palette(3).Data(row).End());
        Refuses("palette entry 5; the palette has 5 entries", new PngBuilder().Header(2, 1, 8, 3).Palette(5).Data([0, 4, 5]).End());
    }

    [Fact]
    public void Refuses_BrokenHeaders()
    {
        Refuses("the first chunk is IDAT", new PngBuilder().Data(Rows).Header(2, 2).End());
        Refuses("a second IHDR", Start().Header(2, 2).Data(Rows).End());
        Refuses("the IHDR chunk has 12 bytes", new PngBuilder().Chunk("IHDR", new byte[12]).Data(Rows).End());
        Refuses("0 x 2 pixels", new PngBuilder().Header(0, 2).Data(Rows).End());
        Refuses("2 x 0 pixels", new PngBuilder().Header(2, 0).Data(Rows).End());
        Refuses("4294967295 x 2 pixels; at most 32768 a side", new PngBuilder().Header(uint.MaxValue, 2).Data(Rows).End());
        Refuses("1073741824 pixels; at most 100000000", new PngBuilder().Header(32768, 32768).Data(Rows).End());
        Refuses("compression method 1", new PngBuilder().Header(2, 2, compression: 1).Data(Rows).End());
        Refuses("filter method 64", new PngBuilder().Header(2, 2, filter: 64).Data(Rows).End());
        Refuses("interlace method 2", new PngBuilder().Header(2, 2, interlace: 2).Data(Rows).End());
        Refuses("signature", new PngBuilder(withSignature: false).Header(2, 2));
    }

    [Fact]
    public void Refuses_EveryUndefinedForm()
    {
        for (int colourType = 0; colourType < 256; colourType++)
        {
            foreach (int bitDepth in new[] { 0, 1, 2, 3, 4, 5, 8, 12, 16, 17, 32, 255 })
            {
                bool defined = colourType switch { 0 => bitDepth is 1 or 2 or 4 or 8 or 16, 3 => bitDepth is 1 or 2 or 4 or 8, 2 or 4 or 6 => bitDepth is 8 or 16, _ => false };
                if (!defined)
                {
                    Refuses($"colour type {colourType} with bit depth {bitDepth}", new PngBuilder().Header(2, 2, bitDepth, colourType).Data(Rows).End());
                }
            }
        }
    }

    [Fact]
    public void Refuses_BrokenChunkOrder()
    {
        Refuses("not consecutive", Start().Data(Rows).Chunk("tEXt", [1]).Data(Rows).End());
        Refuses("critical chunk CgBI", new PngBuilder().Header(2, 2).Chunk("CgBI", [1, 2, 3, 4]).Data(Rows).End());
        Refuses("comes before its PLTE", new PngBuilder().Header(2, 1, 8, 3).Data([0, 1, 1]).Palette(2).End());
        Refuses("comes after image data", Start().Data(Rows).Palette(2).End());
        Refuses("a second PLTE", Start().Palette(2).Palette(2).Data(Rows).End());
        Refuses("grey picture must not", new PngBuilder().Header(2, 1, 8, 0).Palette(2).Data([0, 1, 1]).End());
        Refuses("PLTE chunk has 0 bytes", Start().Chunk("PLTE", []).Data(Rows).End());
        Refuses("PLTE chunk has 4 bytes", Start().Chunk("PLTE", new byte[4]).Data(Rows).End());
        Refuses("PLTE chunk has 771 bytes", Start().Chunk("PLTE", new byte[771]).Data(Rows).End());
        Refuses("no image data", Start().End());
        Refuses("IEND chunk has 1 bytes", Start().Data(Rows).Chunk("IEND", [0]));
        Refuses("ends before its IEND", Start().Data(Rows));
        Refuses("four letters", Start().Chunk("ID T", Rows).End());
        Refuses("CRC of the IDAT", Start().Chunk("IDAT", PngBuilder.Deflate(Rows), damageCrc: true).End());
        Refuses("CRC of the IEND", Start().Data(Rows).Chunk("IEND", [], damageCrc: true));
    }

    [Fact]
    public void Refuses_ChunkLengthsBeyondTheFile()
    {
        foreach (byte first in new byte[] { 0x00, 0x01, 0x7F, 0x80, 0xFF })
        {
            byte[] head = [first, 0xFF, 0xFF, 0xFF, (byte)'t', (byte)'E', (byte)'X', (byte)'t', 0, 0, 0, 0];
            Refuses("bytes of data; the file has", Start().Bytes(head).Data(Rows).End());
        }
    }

    [Fact]
    public void Refuses_BrokenImageData()
    {
        byte[] good = PngBuilder.Deflate(Rows);
        Refuses("ends in row 1", Start().Data(Rows.AsSpan(0, 13)).End());
        Refuses("ends in row 0", Start().Data(Rows.AsSpan(0, 3)).End());
        Refuses("goes on after the last row", Start().Data([.. Rows, 0]).End());
        Refuses("filter type 5", Start().Data([.. Rows[..7], 5, .. Rows[8..]]).End());
        Refuses("damaged", Start().Chunk("IDAT", [0x79, .. good[1..]]).End());
        Refuses("damaged", Start().Chunk("IDAT", [.. good[..^1], (byte)(good[^1] ^ 1)]).End());
        Refuses("", Start().Chunk("IDAT", new byte[50]).End());

        // Cut anywhere, the checksum's four bytes included.
        for (int length = 0; length < good.Length; length++)
        {
            Refuses("", Start().Chunk("IDAT", good.AsSpan(0, length)).End());
        }
    }

    [Fact]
    public void Refuses_AClaimThatTheDataCannotHold_BeforeAllocatingIt()
    {
        // 300 MB of pixels over a few bytes; the header's claim alone decides.
        byte[] file = new PngBuilder().Header(10_000, 10_000).Data(Rows).End().ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refuses("more than", file);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Refuses_ABombWithoutInflatingIt()
    {
        // 64 MB of zeros behind a 2 x 2 picture: only the two rows and one byte more are taken.
        byte[] file = Start().Data(new byte[64 << 20]).End().ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refuses("goes on after the last row", file);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void HighlyCompressiblePicture_StaysBelowTheExpansionBound()
    {
        // All zeros is deflate's best case; an honest file must not trip the 1032:1 rule.
        byte[] file = new PngBuilder().Header(4000, 4000, 16, 6).Data(new byte[4000 * (4000 * 8 + 1)]).End().ToArray();
        RgbImage image = PngBuilder.Decode(file);
        Assert.Equal(4000, image.Width);
        Assert.True(image.Pixels.AsSpan().IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void Limits_AreThoseGiven()
    {
        byte[] file = Start().Data(Rows).End().ToArray();
        Assert.Throws<FileFormatException>(() => PngBuilder.Decode(file, new ImageLimits { MaxSide = 1 }));
        Assert.Throws<FileFormatException>(() => PngBuilder.Decode(file, new ImageLimits { MaxPixels = 3 }));
        Assert.Equal(2, PngBuilder.Decode(file, new ImageLimits { MaxSide = 2, MaxPixels = 4 }).Width);

        // Limits raised to the top must still give the library's own error, never an overflow.
        var none = new ImageLimits { MaxSide = int.MaxValue, MaxPixels = long.MaxValue };
        Assert.Throws<FileFormatException>(() => PngBuilder.Decode(new PngBuilder().Header(int.MaxValue, int.MaxValue, 16, 6).Data(Rows).End().ToArray(), none));
        Assert.Throws<FileFormatException>(() => PngBuilder.Decode(new PngBuilder().Header(700_000_000, 1, 16, 6).Data(Rows).End().ToArray(), none));
        Assert.Throws<FileFormatException>(() => PngBuilder.Decode(new PngBuilder().Header(1, 700_000_000, 1, 0).Data(Rows).End().ToArray(), none));
    }

    private static PngBuilder Start() => new PngBuilder().Header(2, 2);

    private static void Refuses(string expectedMessage, PngBuilder builder) => Refuses(expectedMessage, builder.ToArray());

    private static void Refuses(string expectedMessage, byte[] file)
    {
        var exception = Assert.Throws<FileFormatException>(() => PngBuilder.Decode(file));
        Assert.Contains(expectedMessage, exception.Message, StringComparison.Ordinal);
        Assert.StartsWith("test.png: ", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.ByteOffset, 0, file.Length);
    }
}
