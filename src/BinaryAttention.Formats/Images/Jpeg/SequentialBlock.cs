namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>Decodes one block of a sequential scan (ISO/IEC 10918-1, F.2.2): a DC difference, then runs of zeros, each with the value that ends it.</summary>
internal static class SequentialBlock
{
    private const int SixteenZeros = 0xF0;

    /// <summary>Decodes a block.</summary>
    /// <param name="reader">The entropy-coded data.</param>
    /// <param name="component">The component with its tables and DC predictor.</param>
    /// <param name="block">64 zeros; receives the coefficients in natural order.</param>
    /// <returns>Whether any AC coefficient was coded.</returns>
    public static bool Decode(ref EntropyReader reader, JpegComponent component, scoped Span<short> block)
    {
        ReadOnlySpan<byte> toNatural = Zigzag.ToNatural;
        int dcSize = reader.ReadSymbol(component.DcTable!);
        if (dcSize != 0)
        {
            component.DcPredictor += reader.ReadValue(dcSize);
        }

        block[0] = (short)component.DcPredictor;
        HuffmanTable acTable = component.AcTable!;
        int position = 1;
        bool hasAc = false;
        while (position < 64)
        {
            int runAndSize = reader.ReadSymbol(acTable);
            int size = runAndSize & 15;
            if (size == 0)
            {
                if (runAndSize == 0)
                {
                    break;
                }

                if (runAndSize != SixteenZeros)
                {
                    throw reader.Corrupt($"run/size code {runAndSize:X2} has no meaning in a sequential scan.");
                }

                position += 16;
                continue;
            }

            position += runAndSize >> 4;
            if (position > 63)
            {
                throw reader.Corrupt("a run of zeros passes the end of its block.");
            }

            block[toNatural[position]] = (short)reader.ReadValue(size);
            hasAc = true;
            position++;
        }

        if (position > 64)
        {
            throw reader.Corrupt("a run of zeros passes the end of its block.");
        }

        reader.RequireEnoughData();
        return hasAc;
    }
}
