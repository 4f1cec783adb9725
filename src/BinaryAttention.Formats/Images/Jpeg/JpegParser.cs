using System.Buffers.Binary;

namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Walks the marker segments of a file (ISO/IEC 10918-1, annex B) and drives the scans. Memory follows the data, not the claims: before a scan may
/// allocate, the rest of the file must be long enough for its blocks. A block of a sequential scan has at least one DC and one AC code and a block of a DC scan at
/// least one bit, so n blocks need n/4 or n/8 bytes whatever the tables are.
/// </summary>
internal ref struct JpegParser
{
    // Encoders use about ten scans. AC scans can cover 32,767 blocks with one code, so bytes alone do not bound the work they cause.
    private const int MaxScans = 100;
    private const int MaxVisitsPerBlock = 32;
    private const int FreeBlockVisits = 1 << 20;

    private readonly ReadOnlySpan<byte> bytes;
    private readonly string sourceName;
    private readonly ImageLimits limits;
    private readonly JpegTables tables = new();
    private JpegFrame? frame;
    private int position;
    private int restartInterval;
    private bool hasJfif;
    private int? adobeTransform;
    private int scanCount;
    private long blockVisits;

    public JpegParser(ReadOnlySpan<byte> bytes, string sourceName, ImageLimits limits)
    {
        this.bytes = bytes;
        this.sourceName = sourceName;
        this.limits = limits;
    }

    public RgbImage Decode()
    {
        if (bytes.Length < 2 || bytes[0] != 0xFF || bytes[1] != JpegMarker.StartOfImage)
        {
            throw Fail("a JPEG file starts with FF D8.", 0);
        }

        position = 2;
        while (true)
        {
            int markerOffset = position;
            byte marker = ReadMarker();
            if (marker is JpegMarker.Temporary or (>= JpegMarker.FirstRestart and <= JpegMarker.LastRestart))
            {
                continue;
            }

            if (marker == JpegMarker.EndOfImage)
            {
                return AssembleFromCoefficients(markerOffset);
            }

            if (JpegMarker.UnsupportedFeature(marker) is string feature)
            {
                throw Fail($"the file uses {feature}; only Huffman-coded baseline, extended sequential and progressive JPEG is read. Save the picture as one of them.", markerOffset);
            }

            ReadOnlySpan<byte> content = ReadSegment(out int contentOffset);
            switch (marker)
            {
                case JpegMarker.QuantizationTables:
                    tables.ReadQuantization(content, sourceName, contentOffset);
                    break;
                case JpegMarker.HuffmanTables:
                    tables.ReadHuffman(content, sourceName, contentOffset);
                    break;
                case JpegMarker.RestartInterval:
                    restartInterval = content.Length == 2
                        ? BinaryPrimitives.ReadUInt16BigEndian(content)
                        : throw Fail($"restart interval segment has {content.Length} bytes; 2 are due.", contentOffset);
                    break;
                case JpegMarker.BaselineFrame or JpegMarker.ExtendedFrame or JpegMarker.ProgressiveFrame:
                    frame = frame is null
                        ? FrameHeaderReader.Read(content, marker == JpegMarker.ProgressiveFrame, sourceName, limits, contentOffset)
                        : throw Fail("a second frame header was found; a file has one.", markerOffset);
                    break;
                case JpegMarker.StartOfScan:
                    if (DecodeScan(content, contentOffset) is RgbImage image)
                    {
                        return image;
                    }

                    break;
                case >= JpegMarker.Application0 and <= JpegMarker.Application15:
                    ReadApplication(marker, content);
                    break;
                case JpegMarker.Comment:
                    break;
                default:
                    throw Fail($"marker FF {marker:X2} has no place here.", markerOffset);
            }
        }
    }

    /// <summary>Reads the next marker's code; FF bytes in front of it are fill. At the end of the file a complete picture counts as ended.</summary>
    private byte ReadMarker()
    {
        int start = position;
        while (position < bytes.Length && bytes[position] == 0xFF)
        {
            position++;
        }

        if (position >= bytes.Length)
        {
            return frame is not null && Array.TrueForAll(frame.Components, component => component.IsComplete)
                ? JpegMarker.EndOfImage
                : throw Fail("the file ends before the picture is complete; it is truncated.", bytes.Length);
        }

        if (position == start)
        {
            throw Fail($"byte {bytes[position]:X2} was found where a marker (FF and a code) is due.", position);
        }

        return bytes[position++];
    }

    /// <summary>Reads the length behind a marker and passes the segment.</summary>
    private ReadOnlySpan<byte> ReadSegment(out int contentOffset)
    {
        if (bytes.Length - position < 2)
        {
            throw Fail("the file ends within a segment's length; it is truncated.", bytes.Length);
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[position..]);
        if (length < 2 || length > bytes.Length - position)
        {
            throw Fail($"a segment claims {length} bytes; at least 2 are due and {bytes.Length - position} are left.", position);
        }

        contentOffset = position + 2;
        position += length;
        return bytes[contentOffset..position];
    }

    private void ReadApplication(byte marker, ReadOnlySpan<byte> content)
    {
        if (marker == JpegMarker.Application0 && content.StartsWith("JFIF\0"u8))
        {
            hasJfif = true;
        }
        else if (marker == JpegMarker.Application14 && content.Length >= 12 && content.StartsWith("Adobe"u8))
        {
            adobeTransform = content[11];
        }
    }

    /// <summary>Decodes a scan.</summary>
    /// <returns>The picture, if a sequential frame is complete with this scan; whatever follows it is ignored.</returns>
    private RgbImage? DecodeScan(ReadOnlySpan<byte> content, int contentOffset)
    {
        if (frame is null)
        {
            throw Fail("a scan was found before the frame header.", contentOffset);
        }

        ScanHeader scan = ScanHeaderReader.Read(content, frame, tables, sourceName, contentOffset);
        RequireBoundedWork(scan);
        var decoder = new ScanDecoder(frame, scan, restartInterval, new EntropyReader(bytes, position, sourceName));
        if (!frame.IsProgressive && scan.Components.AsSpan().SequenceEqual(frame.Components))
        {
            var assembler = new PictureAssembler(frame, ColorConversion.Choose(frame.Components, hasJfif, adobeTransform));
            decoder.DecodeTo(assembler);
            return assembler.ToImage();
        }

        foreach (JpegComponent component in scan.Components)
        {
            component.Coefficients ??= new short[64 * component.PaddedBlockColumns * component.PaddedBlockRows];
        }

        position = decoder.DecodeToCoefficients();
        PassRestOfScan();
        bool isDone = !frame.IsProgressive && Array.TrueForAll(frame.Components, component => component.IsComplete);
        return isDone ? AssembleFromCoefficients(position) : null;
    }

    private void RequireBoundedWork(ScanHeader scan)
    {
        long blocks = scan.BlockCount;
        int bitsPerBlock = !frame!.IsProgressive ? 2 : scan.IsDc ? 1 : 0;
        if (blocks * bitsPerBlock > 8L * (bytes.Length - position))
        {
            throw Fail($"the {frame.Width} x {frame.Height} picture has {blocks} blocks in this scan; the {bytes.Length - position} bytes left cannot hold them.", position);
        }

        scanCount++;
        blockVisits += blocks;
        if (scanCount > MaxScans || blockVisits > FreeBlockVisits + (MaxVisitsPerBlock * frame.BlockCount))
        {
            throw Fail($"scan {scanCount} is one too many; at most {MaxScans} scans and {MaxVisitsPerBlock} over each block of a large picture are decoded.", scan.Offset);
        }
    }

    /// <summary>Moves to the marker behind a scan, past bytes that its blocks did not use (stuffed FF bytes among them).</summary>
    private void PassRestOfScan()
    {
        while (position < bytes.Length)
        {
            int found = bytes[position..].IndexOf((byte)0xFF);
            if (found < 0)
            {
                position = bytes.Length;
                return;
            }

            position += found;
            if (position + 1 < bytes.Length && bytes[position + 1] == 0)
            {
                position += 2;
                continue;
            }

            return;
        }
    }

    /// <summary>Transforms stored coefficients strip by strip. Precision that the scans of a progressive file did not deliver counts as zero bits.</summary>
    private readonly RgbImage AssembleFromCoefficients(int offset)
    {
        if (frame is null || Array.Exists(frame.Components, component => component.KnownPrecision[0] == JpegComponent.NotDelivered))
        {
            throw Fail(frame is null ? "the picture ends without a frame header." : "the picture ends before each component has had a scan.", offset);
        }

        var assembler = new PictureAssembler(frame, ColorConversion.Choose(frame.Components, hasJfif, adobeTransform));
        for (int mcuRow = 0; mcuRow < frame.McuRows; mcuRow++)
        {
            for (int index = 0; index < frame.Components.Length; index++)
            {
                JpegComponent component = frame.Components[index];
                int firstRow = mcuRow * component.VerticalSampling;
                for (int row = firstRow; row < firstRow + component.VerticalSampling; row++)
                {
                    for (int column = 0; column < component.BlockColumns; column++)
                    {
                        IntegerDct.Inverse(component.Block(row, column), component.Quantization, assembler.BlockSamples(index, row, column), assembler.RowStride(index));
                    }
                }
            }

            assembler.CompleteStrip(mcuRow);
        }

        return assembler.ToImage();
    }

    private readonly FileFormatException Fail(string problem, int offset) => new(sourceName, problem, offset);
}
