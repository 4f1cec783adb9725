namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Reads and checks a scan header (SOS; ISO/IEC 10918-1, B.2.3 and G.1.1), takes the tables it names, and records what the scan will deliver. Each bit of
/// each coefficient may be delivered once and in order, so a sequential component has one scan and a progressive one a bounded number.
/// </summary>
internal static class ScanHeaderReader
{
    // B.2.3: an interleaved MCU has at most ten blocks.
    private const int MaxBlocksPerMcu = 10;
    private const int MaxDcSize = 15;
    private const int MaxBitPosition = 13;

    /// <summary>Reads a scan header.</summary>
    /// <param name="content">The segment without marker and length.</param>
    /// <param name="frame">The frame the scan belongs to.</param>
    /// <param name="tables">The tables in force.</param>
    /// <param name="sourceName">Name for error messages.</param>
    /// <param name="offset">Offset of <paramref name="content"/> in the file.</param>
    public static ScanHeader Read(ReadOnlySpan<byte> content, JpegFrame frame, JpegTables tables, string sourceName, int offset)
    {
        FileFormatException Fail(string problem, int at) => new(sourceName, problem, offset + at);

        int count = content.IsEmpty ? 0 : content[0];
        if (count is < 1 or > 4 || content.Length != 4 + (2 * count))
        {
            throw Fail($"scan header has {content.Length} bytes for {count} components; 4 and 2 for each of 1..4 components are due.", 0);
        }

        int spectral = 1 + (2 * count);
        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            byte id = content[1 + (2 * i)];
            JpegComponent? component = Array.Find(frame.Components, candidate => candidate.Id == id);
            if (component is null || Array.IndexOf(components, component) >= 0)
            {
                throw Fail($"scan names component {id}, which {(component is null ? "the frame does not have" : "it has named before")}.", 1 + (2 * i));
            }

            components[i] = component;
        }

        var scan = new ScanHeader(components, content[spectral], content[spectral + 1], content[spectral + 2] >> 4, content[spectral + 2] & 15, offset);
        int blocksPerMcu = components.Sum(component => component.HorizontalSampling * component.VerticalSampling);
        if (count > 1 && blocksPerMcu > MaxBlocksPerMcu)
        {
            throw Fail($"scan has {blocksPerMcu} blocks per MCU; at most {MaxBlocksPerMcu} are allowed.", 0);
        }

        string? wrong = frame.IsProgressive ? CheckProgressive(scan) : CheckSequential(scan);
        if (wrong is not null)
        {
            throw Fail($"scan of coefficients {scan.FirstCoefficient}..{scan.LastCoefficient}, bits {scan.PreviousBit} to {scan.LowestBit}: {wrong}", spectral);
        }

        for (int i = 0; i < count; i++)
        {
            int tableSlots = content[2 + (2 * i)];
            wrong = TakeTables(components[i], scan, frame.IsProgressive, tables, tableSlots >> 4, tableSlots & 15);
            if (wrong is not null)
            {
                throw Fail($"component {components[i].Id}: {wrong}", 2 + (2 * i));
            }

            components[i].KnownPrecision.AsSpan(scan.FirstCoefficient, scan.LastCoefficient - scan.FirstCoefficient + 1).Fill((sbyte)scan.LowestBit);
        }

        return scan;
    }

    private static string? CheckSequential(ScanHeader scan)
    {
        if (scan is not { FirstCoefficient: 0, LastCoefficient: 63, PreviousBit: 0, LowestBit: 0 })
        {
            return "a sequential scan holds coefficients 0..63 with all bits.";
        }

        return Array.Exists(scan.Components, component => component.KnownPrecision[0] != JpegComponent.NotDelivered)
            ? "a component of a sequential frame has one scan; here it has another."
            : null;
    }

    private static string? CheckProgressive(ScanHeader scan)
    {
        if (scan.IsDc ? scan.LastCoefficient != 0 : scan.LastCoefficient < scan.FirstCoefficient || scan.LastCoefficient > 63)
        {
            return "a progressive scan holds coefficient 0 alone or a band within 1..63.";
        }

        if (!scan.IsDc && scan.Components.Length != 1)
        {
            return $"a scan of AC coefficients has one component, not {scan.Components.Length}.";
        }

        if (scan.LowestBit > MaxBitPosition || (scan.IsRefinement && scan.LowestBit != scan.PreviousBit - 1))
        {
            return $"a refining scan adds one bit, and bits are numbered 0..{MaxBitPosition}.";
        }

        int expected = scan.IsRefinement ? scan.PreviousBit : JpegComponent.NotDelivered;
        foreach (JpegComponent component in scan.Components)
        {
            if (!scan.IsDc && component.KnownPrecision[0] == JpegComponent.NotDelivered)
            {
                return "the component's DC coefficients have to come first.";
            }

            for (int i = scan.FirstCoefficient; i <= scan.LastCoefficient; i++)
            {
                if (component.KnownPrecision[i] != expected)
                {
                    return $"coefficient {i} is {Describe(component.KnownPrecision[i])}; the scan builds on one that is {Describe(expected)}.";
                }
            }
        }

        return null;
    }

    private static string Describe(int knownPrecision) =>
        knownPrecision == JpegComponent.NotDelivered ? "not known yet" : $"known down to bit {knownPrecision}";

    private static string? TakeTables(JpegComponent component, ScanHeader scan, bool isProgressive, JpegTables tables, int dcSlot, int acSlot)
    {
        if (dcSlot > 3 || acSlot > 3)
        {
            return $"scan names Huffman tables {dcSlot} and {acSlot}; 0..3 are defined.";
        }

        component.Quantization ??= tables.Quantization(component.QuantizationIndex);
        if (component.Quantization is null)
        {
            return $"quantization table {component.QuantizationIndex} is not defined.";
        }

        component.DcTable = tables.Dc(dcSlot);
        component.AcTable = tables.Ac(acSlot);
        if (scan.IsDc && !scan.IsRefinement && (component.DcTable is null || component.DcTable.LargestSymbol > MaxDcSize))
        {
            return $"DC Huffman table {dcSlot} {(component.DcTable is null ? "is not defined." : $"has sizes above {MaxDcSize} bits.")}";
        }

        bool needsAc = !isProgressive || !scan.IsDc;
        return needsAc && component.AcTable is null ? $"AC Huffman table {acSlot} is not defined." : null;
    }
}
