namespace BinaryAttention.Formats.Images;

/// <summary>
/// Turns inflated image data into RGB rows: reads exactly the rows the header implies, undoes their filters, converts them and puts them where
/// their pass says. Afterwards the stream must be at its end, which also makes zlib check its Adler-32.
/// </summary>
internal sealed class PngRowReader
{
    private readonly PngHeader _header;
    private readonly byte[] _palette;
    private readonly Stream _inflated;
    private readonly string _sourceName;
    private readonly long _dataOffset;

    public PngRowReader(PngHeader header, byte[] palette, Stream inflated, string sourceName, long dataOffset)
    {
        _header = header;
        _palette = palette;
        _inflated = inflated;
        _sourceName = sourceName;
        _dataOffset = dataOffset;
    }

    public void ReadInto(Span<byte> pixels)
    {
        foreach (PngPass pass in PngPass.Of(_header.IsInterlaced))
        {
            int width = pass.WidthOf(_header.Width);
            int height = pass.HeightOf(_header.Height);
            if (width > 0 && height > 0)
            {
                ReadPass(pass, width, height, pixels);
            }
        }

        if (_inflated.ReadByte() >= 0)
        {
            throw new FileFormatException(_sourceName, $"the image data goes on after the last row of {_header.Width} x {_header.Height} pixels.", _dataOffset);
        }
    }

    private void ReadPass(PngPass pass, int width, int height, Span<byte> pixels)
    {
        int rowBytes = checked((int)_header.RowByteCount(width));
        var current = new byte[1 + rowBytes];
        var previous = new byte[1 + rowBytes]; // the row above the first one counts as zeros
        byte[] scattered = pass.ColumnStep == 1 ? [] : new byte[3 * width];
        for (int row = 0; row < height; row++)
        {
            int read = _inflated.ReadAtLeast(current, current.Length, throwOnEndOfStream: false);
            if (read < current.Length)
            {
                throw new FileFormatException(_sourceName, $"the image data ends in row {pass.FirstRow + row * pass.RowStep} of {_header.Height}.", _dataOffset);
            }

            Span<byte> samples = current.AsSpan(1);
            if (!PngRowFilter.TryUndo(current[0], samples, previous.AsSpan(1), _header.FilterStepBytes))
            {
                throw new FileFormatException(_sourceName, $"row {pass.FirstRow + row * pass.RowStep} has filter type {current[0]}; 0 to 4 are defined.", _dataOffset);
            }

            int destinationRow = 3 * _header.Width * (pass.FirstRow + row * pass.RowStep);
            if (pass.ColumnStep == 1)
            {
                Convert(samples, pixels.Slice(destinationRow, 3 * width));
            }
            else
            {
                Convert(samples, scattered);
                Scatter(scattered, pixels.Slice(destinationRow, 3 * _header.Width), pass);
            }

            (current, previous) = (previous, current);
        }
    }

    private void Convert(ReadOnlySpan<byte> samples, Span<byte> rgb)
    {
        int outside = PngRowConverter.ToRgb(samples, _header, _palette, rgb);
        if (outside >= 0)
        {
            throw new FileFormatException(_sourceName, $"a pixel names palette entry {outside}; the palette has {_palette.Length / 3} entries.", _dataOffset);
        }
    }

    private static void Scatter(ReadOnlySpan<byte> rgb, Span<byte> destinationRow, PngPass pass)
    {
        int target = 3 * pass.FirstColumn;
        for (int i = 0; i < rgb.Length; i += 3)
        {
            rgb.Slice(i, 3).CopyTo(destinationRow[target..]);
            target += 3 * pass.ColumnStep;
        }
    }
}
