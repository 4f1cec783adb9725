using BinaryAttention.Formats.Images;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>
/// Damaged files: any bytes give a picture or a <see cref="FileFormatException"/>, and the memory used stays bounded by the pixel limit. The decoder's
/// work is bounded with it (scans and visits per block are limited), so none of these cases may hang.
/// </summary>
public sealed class JpegMutationTests
{
    private const int MutationCount = 24_000;
    private const int MaxPixels = 1 << 16;

    // Picture and strips of a 65,536-pixel file, coefficients of four components padded to MCUs of 32 x 32, tables.
    private const long MaxAllocatedBytes = 8L << 20;

    private static readonly ImageLimits Limits = new() { MaxPixels = MaxPixels, MaxSide = 4096 };

    private static readonly byte[] InterestingBytes = [0x00, 0x01, 0x0F, 0x10, 0x11, 0x3F, 0x41, 0x7F, 0x80, 0xC0, 0xC2, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xF0, 0xFE, 0xFF];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Mutations_Of_The_Golden_Files_Give_A_Picture_Or_A_Format_Error(int part)
    {
        byte[][] originals = [.. GoldenJpegs.Names.Select(GoldenJpegs.Bytes)];
        int decoded = 0;
        for (int seed = part; seed < MutationCount; seed += 4)
        {
            var random = new Random(seed);
            decoded += DecodeBounded(Mutate(originals[seed / 4 % originals.Length], random), $"seed {seed}") ? 1 : 0;
        }

        // Mutations that never decode, or always do, would test little.
        Assert.InRange(decoded, MutationCount / 4 / 50, MutationCount / 4 * 49 / 50);
    }

    [Fact]
    public void Arbitrary_Bytes_Behind_A_Valid_Start_Give_A_Picture_Or_A_Format_Error()
    {
        byte[] start = GoldenJpegs.Bytes("jpeg_progressive_420_64x48.jpg");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<byte[], int>((tail, cut) =>
        {
            _ = DecodeBounded([.. start[..(int)((uint)cut % start.Length)], .. tail], "property");
        }));
    }

    [Fact]
    public void Every_Header_Byte_May_Take_Every_Interesting_Value()
    {
        foreach (string name in (string[])["jpeg_420_7x5.jpg", "jpeg_progressive_444_33x17.jpg"])
        {
            byte[] bytes = GoldenJpegs.Bytes(name);
            for (int position = 2; position < bytes.Length; position++)
            {
                byte original = bytes[position];
                foreach (byte value in InterestingBytes)
                {
                    bytes[position] = value;
                    _ = DecodeBounded(bytes, $"{name}, byte {position} = {value}");
                }

                bytes[position] = original;
            }
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        int changes = 1 + random.Next(random.Next(1, 8));
        for (int i = 0; i < changes && bytes.Count > 8; i++)
        {
            int position = random.Next(bytes.Count);
            switch (random.Next(8))
            {
                case 0 or 1:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[position] = (byte)random.Next(256);
                    break;
                case 3:
                    bytes[position] = InterestingBytes[random.Next(InterestingBytes.Length)];
                    break;
                case 4:
                    bytes.Insert(position, (byte)random.Next(256));
                    break;
                case 5:
                    bytes.RemoveRange(position, Math.Min(random.Next(1, 12), bytes.Count - position));
                    break;
                case 6:
                    int length = Math.Min(random.Next(1, 200), bytes.Count - position);
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(position, length));
                    break;
                default:
                    bytes.InsertRange(position, [0xFF, (byte)random.Next(0xC0, 0xFF)]);
                    break;
            }
        }

        return [.. bytes];
    }

    private static bool DecodeBounded(ReadOnlySpan<byte> bytes, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool decoded = false;
        try
        {
            RgbImage image = ImageDecoder.Decode(bytes, what, Limits);
            Assert.True((long)image.Width * image.Height <= MaxPixels, what);
            decoded = true;
        }
        catch (FileFormatException error)
        {
            Assert.True(error.ByteOffset >= 0 && error.ByteOffset <= bytes.Length, $"{what}: offset {error.ByteOffset} of {bytes.Length}.");
        }
#pragma warning disable CA1031 // Any other exception is what this test looks for; it is reported with the case.
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {error}");
        }
#pragma warning restore CA1031

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= MaxAllocatedBytes, $"{what}: {allocated} bytes allocated.");
        return decoded;
    }
}
