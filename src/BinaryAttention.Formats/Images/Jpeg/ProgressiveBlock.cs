namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Decodes one block of a progressive scan (ISO/IEC 10918-1, G.1.2 and G.2): a band of coefficients, either its leading bits or one more bit of what is
/// known. An end-of-band run says that this block and the following ones have no further new coefficients in the band.
/// </summary>
internal static class ProgressiveBlock
{
    public static void DecodeDcFirst(ref EntropyReader reader, JpegComponent component, int lowestBit, scoped Span<short> block)
    {
        int size = reader.ReadSymbol(component.DcTable!);
        if (size != 0)
        {
            component.DcPredictor += reader.ReadValue(size);
        }

        block[0] = (short)(component.DcPredictor << lowestBit);
        reader.RequireEnoughData();
    }

    public static void DecodeDcRefinement(ref EntropyReader reader, int lowestBit, scoped Span<short> block)
    {
        block[0] |= (short)(reader.ReadBits(1) << lowestBit);
        reader.RequireEnoughData();
    }

    public static void DecodeAcFirst(ref EntropyReader reader, ScanHeader scan, ref int endOfBandRun, scoped Span<short> block)
    {
        if (endOfBandRun > 0)
        {
            endOfBandRun--;
            return;
        }

        ReadOnlySpan<byte> toNatural = Zigzag.ToNatural;
        HuffmanTable table = scan.Components[0].AcTable!;
        int position = scan.FirstCoefficient;
        while (position <= scan.LastCoefficient)
        {
            int runAndSize = reader.ReadSymbol(table);
            int run = runAndSize >> 4;
            int size = runAndSize & 15;
            if (size == 0)
            {
                if (run != 15)
                {
                    endOfBandRun = ReadEndOfBandRun(ref reader, run) - 1;
                    break;
                }

                position += 16;
                continue;
            }

            position += run;
            if (position > scan.LastCoefficient)
            {
                throw reader.Corrupt("a run of zeros passes the end of its band.");
            }

            block[toNatural[position]] = (short)(reader.ReadValue(size) << scan.LowestBit);
            position++;
        }

        reader.RequireEnoughData();
    }

    public static void DecodeAcRefinement(ref EntropyReader reader, ScanHeader scan, ref int endOfBandRun, scoped Span<short> block)
    {
        ReadOnlySpan<byte> toNatural = Zigzag.ToNatural;
        HuffmanTable table = scan.Components[0].AcTable!;
        int last = scan.LastCoefficient;
        int position = scan.FirstCoefficient;
        if (endOfBandRun == 0)
        {
            for (; position <= last; position++)
            {
                int runAndSize = reader.ReadSymbol(table);
                int run = runAndSize >> 4;
                int newValue = 0;
                switch (runAndSize & 15)
                {
                    case 1:
                        newValue = (reader.ReadBits(1) != 0 ? 1 : -1) << scan.LowestBit;
                        break;
                    case 0 when run == 15:
                        break;
                    case 0:
                        endOfBandRun = ReadEndOfBandRun(ref reader, run);
                        break;
                    default:
                        throw reader.Corrupt("a refining scan introduces a coefficient of more than one bit.");
                }

                if (endOfBandRun > 0)
                {
                    break;
                }

                // The run counts coefficients that are zero so far; the others in between get their next bit. It stops at the zero behind the run.
                for (; position <= last; position++)
                {
                    ref short coefficient = ref block[toNatural[position]];
                    if (coefficient != 0)
                    {
                        Refine(ref reader, ref coefficient, scan.LowestBit);
                    }
                    else if (--run < 0)
                    {
                        break;
                    }
                }

                if (newValue != 0)
                {
                    if (position > last)
                    {
                        throw reader.Corrupt("a run of zeros passes the end of its band.");
                    }

                    block[toNatural[position]] = (short)newValue;
                }
            }
        }

        if (endOfBandRun > 0)
        {
            for (; position <= last; position++)
            {
                ref short coefficient = ref block[toNatural[position]];
                if (coefficient != 0)
                {
                    Refine(ref reader, ref coefficient, scan.LowestBit);
                }
            }

            endOfBandRun--;
        }

        reader.RequireEnoughData();
    }

    private static int ReadEndOfBandRun(ref EntropyReader reader, int bits) =>
        (1 << bits) + (bits == 0 ? 0 : reader.ReadBits(bits));

    private static void Refine(ref EntropyReader reader, ref short coefficient, int lowestBit)
    {
        if (reader.ReadBits(1) != 0)
        {
            // The magnitude grows: its bit at this place is still 0, because no scan has delivered it.
            coefficient += (short)((coefficient > 0 ? 1 : -1) << lowestBit);
        }
    }
}
