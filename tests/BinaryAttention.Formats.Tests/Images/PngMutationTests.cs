using System.Buffers.Binary;
using BinaryAttention.Formats.Images;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>
/// Damaged files end in <see cref="FileFormatException"/> or in a picture, nothing else. Three depths: raw bytes (mostly caught by a CRC), chunk data with the
/// CRC made right again (reaches the header, palette and zlib), and the inflated rows compressed anew (reaches filters and conversion).
/// </summary>
public sealed class PngMutationTests
{
    private static readonly string[] SmallFiles =
        ["png_grey1_31x23.png", "png_grey4_31x23.png", "png_palette4_37x29.png", "png_palette4_interlaced_7x5.png", "png_grey8_interlaced_1x1.png", "png_greyalpha8_40x30.png", "png_grey16_40x30.png"];

    // Small enough that a mutated header cannot make one case slow, large enough for every file here.
    private static readonly ImageLimits Limits = new() { MaxSide = 4096, MaxPixels = 1 << 20 };

    [Theory]
    [InlineData("png_grey1_31x23.png")]
    [InlineData("png_palette4_interlaced_7x5.png")]
    [InlineData("png_rgb8_interlaced_61x45.png")]
    [InlineData("png_rgb8_ancillary_64x48.png")]
    [InlineData("png_rgba16_40x30.png")]
    [InlineData("png_palette8_trns_64x48.png")]
    public void TruncationAtEveryByte_IsRefused(string file)
    {
        byte[] bytes = GoldenImages.Read(file);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<FileFormatException>(() => PngDecoder.Decode(bytes.AsSpan(0, length), file, Limits));
        }
    }

    [Fact]
    public void RandomBytes_EndInPictureOrFormatError()
    {
        var random = new Random(1);
        byte[][] files = [.. SmallFiles.Select(GoldenImages.Read)];
        for (int i = 0; i < 12_000; i++)
        {
            byte[] mutated = Mutate(files[i % files.Length], random);
            DecodesOrRefuses(mutated);
        }
    }

    [Fact]
    public void RandomChunkData_WithRightCrcs_EndsInPictureOrFormatError()
    {
        var random = new Random(2);
        byte[][] files = [.. SmallFiles.Select(GoldenImages.Read)];
        int decoded = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] mutated = [.. files[i % files.Length]];
            MutateChunk(mutated, random);
            decoded += DecodesOrRefuses(mutated) ? 1 : 0;
        }

        Assert.InRange(decoded, 100, 19_900); // neither outcome alone: the mutations do reach deeper than the CRC
    }

    [Fact]
    public void RandomRows_CompressedAnew_EndInPictureOrFormatError()
    {
        var random = new Random(3);
        int decoded = 0;
        for (int i = 0; i < 4_000; i++)
        {
            (int colourType, int bitDepth) = (i % 4) switch { 0 => (0, 2), 1 => (3, 4), 2 => (2, 8), _ => (6, 16) };
            var samples = new PngSamples(random.Next(1, 20), random.Next(1, 20), colourType, bitDepth, random.Next(2) == 1, seed: i);
            byte[] raw = Mutate(samples.Raw(), random);
            var builder = new PngBuilder().Header((uint)samples.Width, (uint)samples.Height, bitDepth, colourType, interlace: samples.Interlaced ? 1 : 0);
            if (colourType == 3)
            {
                builder.Palette(random.Next(1, 17));
            }

            decoded += DecodesOrRefuses(builder.Data(raw).End().ToArray()) ? 1 : 0;
        }

        Assert.InRange(decoded, 100, 3_900);
    }

    private static bool DecodesOrRefuses(byte[] file)
    {
        try
        {
            RgbImage image = PngDecoder.Decode(file, "mutated.png", Limits);
            Assert.Equal(3 * image.Width * image.Height, image.Pixels.Length);
            return true;
        }
        catch (FileFormatException exception)
        {
            Assert.InRange(exception.ByteOffset, 0, file.Length);
            return false;
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes && bytes.Count > 0; i++)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                    break;
                case 3:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 30), bytes.Count - at)));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static void MutateChunk(byte[] file, Random random)
    {
        var chunks = new List<(int Offset, int Length)>();
        for (int offset = 8; offset < file.Length; offset += 12 + chunks[^1].Length)
        {
            chunks.Add((offset, BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(offset))));
        }

        (int chunk, int length) = chunks[random.Next(chunks.Count)];
        int first = random.Next(20) == 0 ? 4 : 8; // now and then the type as well
        int count = 8 + length - first;
        if (count == 0)
        {
            return;
        }

        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = chunk + first + random.Next(count);
            file[at] = random.Next(2) == 0 ? (byte)(file[at] ^ (1 << random.Next(8))) : (byte)random.Next(random.Next(2) == 0 ? 20 : 256);
        }

        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(chunk + 8 + length), PngBuilder.Crc(file.AsSpan(chunk + 4, 4 + length)));
    }
}
