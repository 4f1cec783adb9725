namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// The second byte of the JPEG markers (ISO/IEC 10918-1, table B.1) that the decoder acts on, and the names of the frame types it refuses.
/// </summary>
internal static class JpegMarker
{
    public const byte Temporary = 0x01;
    public const byte BaselineFrame = 0xC0;
    public const byte ExtendedFrame = 0xC1;
    public const byte ProgressiveFrame = 0xC2;
    public const byte HuffmanTables = 0xC4;
    public const byte FirstRestart = 0xD0;
    public const byte LastRestart = 0xD7;
    public const byte StartOfImage = 0xD8;
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;
    public const byte QuantizationTables = 0xDB;
    public const byte NumberOfLines = 0xDC;
    public const byte RestartInterval = 0xDD;
    public const byte Application0 = 0xE0;
    public const byte Application14 = 0xEE;
    public const byte Application15 = 0xEF;
    public const byte Comment = 0xFE;

    /// <summary>What a marker asks for that is not decoded, or null where the marker is no such request.</summary>
    public static string? UnsupportedFeature(byte marker) => marker switch
    {
        0xC3 => "lossless coding (SOF3)",
        0xC5 or 0xC6 or 0xC7 => $"hierarchical coding (SOF{marker - 0xC0})",
        0xC8 or (>= 0xF0 and <= 0xFD) => "a reserved JPEG extension",
        0xC9 => "arithmetic coding, sequential (SOF9)",
        0xCA => "arithmetic coding, progressive (SOF10)",
        0xCB => "arithmetic coding, lossless (SOF11)",
        0xCC => "arithmetic coding (DAC)",
        0xCD or 0xCE or 0xCF => $"arithmetic coding, hierarchical (SOF{marker - 0xC0})",
        NumberOfLines => "a height given after the scan (DNL)",
        0xDE or 0xDF => "hierarchical coding (DHP or EXP)",
        _ => null,
    };
}
