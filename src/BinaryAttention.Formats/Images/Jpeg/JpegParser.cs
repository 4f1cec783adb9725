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

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string _sourceName;
    private readonly ImageLimits _limits;
    private readonly JpegTables _tables = new();
    private JpegFrame? _frame;
    private int _position;
    private int _restartInterval;
    private bool _hasJfif;
    private int? _adobeTransform;
    private int _scanCount;
    private long _blockVisits;

    public JpegParser(ReadOnlySpan<byte> bytes, string sourceName, ImageLimits limits)
    {
        _bytes = bytes;
        _sourceName = sourceName;
        _limits = limits;
    }

    public RgbImage Decode()
    {
        if (_bytes.Length < 2 || _bytes[0] != 0xFF || _bytes[1] != JpegMarker.StartOfImage)
        {
            throw Fail("a JPEG file starts with FF D8.", 0);
        }

        _position = 2;
        while (true)
        {
            int markerOffset = _position;
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
                    _tables.ReadQuantization(content, _sourceName, contentOffset);
                    break;
                case JpegMarker.HuffmanTables:
                    _tables.ReadHuffman(content, _sourceName, contentOffset);
                    break;
                case JpegMarker.RestartInterval:
                    _restartInterval = content.Length == 2
                        ? BinaryPrimitives.ReadUInt16BigEndian(content)
                        : throw Fail($"restart interval segment has {content.Length} bytes; 2 are due.", contentOffset);
                    break;
                case JpegMarker.BaselineFrame or JpegMarker.ExtendedFrame or JpegMarker.ProgressiveFrame:
                    _frame = _frame is null
                        ? FrameHeaderReader.Read(content, marker == JpegMarker.ProgressiveFrame, _sourceName, _limits, contentOffset)
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
        int start = _position;
        while (_position < _bytes.Length && _bytes[_position] == 0xFF)
        {
            _position++;
        }

        if (_position >= _bytes.Length)
        {
            return _frame is not null && Array.TrueForAll(_frame.Components, component => component.IsComplete)
                ? JpegMarker.EndOfImage
                : throw Fail("the file ends before the picture is complete; it is truncated.", _bytes.Length);
        }

        if (_position == start)
        {
            throw Fail($"byte {_bytes[_position]:X2} was found where a marker (FF and a code) is due.", _position);
        }

        return _bytes[_position++];
    }

    /// <summary>Reads the length behind a marker and passes the segment.</summary>
    private ReadOnlySpan<byte> ReadSegment(out int contentOffset)
    {
        if (_bytes.Length - _position < 2)
        {
            throw Fail("the file ends within a segment's length; it is truncated.", _bytes.Length);
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(_bytes[_position..]);
        if (length < 2 || length > _bytes.Length - _position)
        {
            throw Fail($"a segment claims {length} bytes; at least 2 are due and {_bytes.Length - _position} are left.", _position);
        }

        contentOffset = _position + 2;
        _position += length;
        return _bytes[contentOffset.._position];
    }

    private void ReadApplication(byte marker, ReadOnlySpan<byte> content)
    {
        if (marker == JpegMarker.Application0 && content.StartsWith("JFIF\0"u8))
        {
            _hasJfif = true;
        }
        else if (marker == JpegMarker.Application14 && content.Length >= 12 && content.StartsWith("Adobe"u8))
        {
            _adobeTransform = content[11];
        }
    }

    /// <summary>Decodes a scan.</summary>
    /// <returns>The picture, if a sequential frame is complete with this scan; whatever follows it is ignored.</returns>
    private RgbImage? DecodeScan(ReadOnlySpan<byte> content, int contentOffset)
    {
        if (_frame is null)
        {
            throw Fail("a scan was found before the frame header.", contentOffset);
        }

        ScanHeader scan = ScanHeaderReader.Read(content, _frame, _tables, _sourceName, contentOffset);
        RequireBoundedWork(scan);
        var decoder = new ScanDecoder(_frame, scan, _restartInterval, new EntropyReader(_bytes, _position, _sourceName));
        if (!_frame.IsProgressive && scan.Components.AsSpan().SequenceEqual(_frame.Components))
        {
            var assembler = new PictureAssembler(_frame, ColorConversion.Choose(_frame.Components, _hasJfif, _adobeTransform));
            decoder.DecodeTo(assembler);
            return assembler.ToImage();
        }

        foreach (JpegComponent component in scan.Components)
        {
            component.Coefficients ??= new short[64 * component.PaddedBlockColumns * component.PaddedBlockRows];
        }

        _position = decoder.DecodeToCoefficients();
        PassRestOfScan();
        bool isDone = !_frame.IsProgressive && Array.TrueForAll(_frame.Components, component => component.IsComplete);
        return isDone ? AssembleFromCoefficients(_position) : null;
    }

    private void RequireBoundedWork(ScanHeader scan)
    {
        long blocks = scan.BlockCount;
        int bitsPerBlock = !_frame!.IsProgressive ? 2 : scan.IsDc ? 1 : 0;
        if (blocks * bitsPerBlock > 8L * (_bytes.Length - _position))
        {
            throw Fail($"the {_frame.Width} x {_frame.Height} picture has {blocks} blocks in this scan; the {_bytes.Length - _position} bytes left cannot hold them.", _position);
        }

        _scanCount++;
        _blockVisits += blocks;
        if (_scanCount > MaxScans || _blockVisits > FreeBlockVisits + (MaxVisitsPerBlock * _frame.BlockCount))
        {
            throw Fail($"scan {_scanCount} is one too many; at most {MaxScans} scans and {MaxVisitsPerBlock} over each block of a large picture are decoded.", scan.Offset);
        }
    }

    /// <summary>Moves to the marker behind a scan, past bytes that its blocks did not use (stuffed FF bytes among them).</summary>
    private void PassRestOfScan()
    {
        while (_position < _bytes.Length)
        {
            int found = _bytes[_position..].IndexOf((byte)0xFF);
            if (found < 0)
            {
                _position = _bytes.Length;
                return;
            }

            _position += found;
            if (_position + 1 < _bytes.Length && _bytes[_position + 1] == 0)
            {
                _position += 2;
                continue;
            }

            return;
        }
    }

    /// <summary>Transforms stored coefficients strip by strip. Precision that the scans of a progressive file did not deliver counts as zero bits.</summary>
    private readonly RgbImage AssembleFromCoefficients(int offset)
    {
        if (_frame is null || Array.Exists(_frame.Components, component => component.KnownPrecision[0] == JpegComponent.NotDelivered))
        {
            throw Fail(_frame is null ? "the picture ends without a frame header." : "the picture ends before each component has had a scan.", offset);
        }

        var assembler = new PictureAssembler(_frame, ColorConversion.Choose(_frame.Components, _hasJfif, _adobeTransform));
        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            for (int index = 0; index < _frame.Components.Length; index++)
            {
                JpegComponent component = _frame.Components[index];
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

    private readonly FileFormatException Fail(string problem, int offset) => new(_sourceName, problem, offset);
}
