namespace BinaryAttention.Formats.Tests.Images;

/// <summary>
/// Random samples of one PNG form, their encoding (any filter a row, Adam7 if asked) and the RGB picture they mean, all computed by the plain text of
/// the specification: pixel by pixel and bit by bit.
/// </summary>
internal sealed class PngSamples
{
    private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private readonly Random _random;
    private readonly int[,,] _samples;

    public PngSamples(int width, int height, int colourType, int bitDepth, bool interlaced, int seed)
    {
        (Width, Height, ColourType, BitDepth, Interlaced) = (width, height, colourType, bitDepth, interlaced);
        _random = new Random(seed);
        SampleCount = colourType switch { 0 or 3 => 1, 4 => 2, 2 => 3, _ => 4 };
        _samples = new int[height, width, SampleCount];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int channel = 0; channel < SampleCount; channel++)
                {
                    _samples[y, x, channel] = _random.Next(1 << bitDepth);
                }
            }
        }
    }

    public int Width { get; }

    public int Height { get; }

    public int ColourType { get; }

    public int BitDepth { get; }

    public bool Interlaced { get; }

    public int SampleCount { get; }

    /// <summary>The file, its image data in <paramref name="pieces"/> IDAT chunks.</summary>
    public byte[] Encode(int pieces = 1)
    {
        var builder = new PngBuilder().Header((uint)Width, (uint)Height, BitDepth, ColourType, interlace: Interlaced ? 1 : 0);
        if (ColourType == 3)
        {
            builder.Palette(1 << BitDepth);
        }

        byte[] data = PngBuilder.Deflate(Raw());
        for (int piece = 0; piece < pieces; piece++)
        {
            int start = data.Length * piece / pieces;
            builder.Chunk("IDAT", data.AsSpan(start, data.Length * (piece + 1) / pieces - start));
        }

        return builder.End().ToArray();
    }

    /// <summary>The decoded picture.</summary>
    public byte[] Rgb()
    {
        var rgb = new byte[3 * Width * Height];
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                for (int channel = 0; channel < 3; channel++)
                {
                    int sample = _samples[y, x, SampleCount < 3 ? 0 : channel];
                    rgb[3 * (y * Width + x) + channel] = ColourType == 3
                        ? (byte)((3 * sample + channel) * 7 + 13)
                        : (byte)Math.Round(255.0 * sample / ((1 << BitDepth) - 1), MidpointRounding.AwayFromZero);
                }
            }
        }

        return rgb;
    }

    /// <summary>The filtered rows of all passes: what the compressed data inflates to.</summary>
    public byte[] Raw()
    {
        var raw = new List<byte>();
        (int X, int Y, int StepX, int StepY)[] passes = Interlaced ? Adam7 : [(0, 0, 1, 1)];
        foreach ((int firstX, int firstY, int stepX, int stepY) in passes)
        {
            if (firstX >= Width)
            {
                continue;
            }

            byte[]? above = null;
            for (int y = firstY; y < Height; y += stepY)
            {
                byte[] row = Pack(y, firstX, stepX);
                int filter = _random.Next(5);
                raw.Add((byte)filter);
                raw.AddRange(Filter(filter, row, above ?? new byte[row.Length]));
                above = row;
            }
        }

        return [.. raw];
    }

    private byte[] Pack(int y, int firstX, int stepX)
    {
        var bits = new List<int>();
        for (int x = firstX; x < Width; x += stepX)
        {
            for (int channel = 0; channel < SampleCount; channel++)
            {
                for (int bit = BitDepth - 1; bit >= 0; bit--)
                {
                    bits.Add((_samples[y, x, channel] >> bit) & 1);
                }
            }
        }

        var bytes = new byte[(bits.Count + 7) / 8];
        for (int i = 0; i < bits.Count; i++)
        {
            bytes[i / 8] |= (byte)(bits[i] << (7 - i % 8));
        }

        return bytes;
    }

    private byte[] Filter(int filter, byte[] row, byte[] above)
    {
        int step = Math.Max(1, SampleCount * BitDepth / 8);
        var filtered = new byte[row.Length];
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < step ? 0 : row[i - step];
            int upperLeft = i < step ? 0 : above[i - step];
            int prediction = filter switch { 0 => 0, 1 => left, 2 => above[i], 3 => (left + above[i]) / 2, _ => Paeth(left, above[i], upperLeft) };
            filtered[i] = (byte)(row[i] - prediction);
        }

        return filtered;
    }

    private static int Paeth(int left, int above, int upperLeft)
    {
        int estimate = left + above - upperLeft;
        return new[] { left, above, upperLeft }.MinBy(candidate => Math.Abs(estimate - candidate));
    }
}
