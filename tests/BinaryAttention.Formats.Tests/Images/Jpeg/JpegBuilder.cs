namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>
/// Builds JPEG files for tests out of random coefficients: fixed-length Huffman codes (4 bits for DC sizes 0..11, 8 bits for the AC run/size codes), any
/// sampling, any division of the components into scans, sequential or progressive by spectral selection. Segments can be added raw.
/// </summary>
internal sealed class JpegBuilder
{
    private readonly List<byte> bytes = [0xFF, 0xD8];
    private readonly (int Horizontal, int Vertical)[] sampling;
    private readonly short[][] coefficients;
    private readonly int width;
    private readonly int height;
    private int interval;

    public JpegBuilder(int width, int height, int seed, params (int Horizontal, int Vertical)[] sampling)
    {
        this.width = width;
        this.height = height;
        this.sampling = sampling;
        var random = new Random(seed);
        coefficients = [.. sampling.Select((_, i) => RandomCoefficients(random, BlockColumns(i) * BlockRows(i)))];
    }

    public byte[] ToBytes() => [.. bytes];

    public JpegBuilder Raw(params byte[] raw)
    {
        bytes.AddRange(raw);
        return this;
    }

    public JpegBuilder Segment(byte marker, params byte[] content) =>
        Raw([0xFF, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content]);

    /// <summary>One quantization table in slot 0, all steps equal, with 8- or 16-bit entries.</summary>
    public JpegBuilder Quantization(byte step = 4, bool wide = false) =>
        wide
            ? Segment(0xDB, [0x10, .. Enumerable.Repeat(step, 64).SelectMany(value => (byte[])[0, value])])
            : Segment(0xDB, [0, .. Enumerable.Repeat(step, 64)]);

    /// <summary>DC and AC tables in slot 0. The AC table has each run/size code with a size of at most ten, the zero runs and the end-of-band runs.</summary>
    public JpegBuilder Huffman()
    {
        Segment(0xC4, [0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. Enumerable.Range(0, 12).Select(size => (byte)size)]);
        byte[] symbols = AcSymbols();
        return Segment(0xC4, [0x10, 0, 0, 0, 0, 0, 0, 0, (byte)symbols.Length, 0, 0, 0, 0, 0, 0, 0, 0, .. symbols]);
    }

    /// <summary>A frame header; ids are 1, 2, ... unless given.</summary>
    public JpegBuilder Frame(byte marker = 0xC0, string? ids = null, byte precision = 8)
    {
        IEnumerable<byte> components = sampling.SelectMany((s, i) => (byte[])[(byte)(ids?[i] ?? (i + 1)), (byte)((s.Horizontal << 4) | s.Vertical), 0]);
        return Segment(marker, [precision, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, (byte)sampling.Length, .. components]);
    }

    public JpegBuilder RestartInterval(int mcus)
    {
        interval = mcus;
        return Segment(0xDD, (byte)(mcus >> 8), (byte)mcus);
    }

    /// <summary>The header of a scan over component ids, with table slots 0.</summary>
    public JpegBuilder ScanHeader(byte first, byte last, byte bits, params int[] ids) =>
        Segment(0xDA, [(byte)ids.Length, .. ids.SelectMany(id => (byte[])[(byte)id, 0]), first, last, bits]);

    /// <summary>A scan of the components with the given indices over a band of coefficients.</summary>
    public JpegBuilder Scan(int first, int last, params int[] components)
    {
        ScanHeader((byte)first, (byte)last, 0, [.. components.Select(index => index + 1)]);
        return Raw(ScanData(first, last, components));
    }

    /// <summary>Everything in front of the scans.</summary>
    public JpegBuilder Tables(byte frameMarker = 0xC0) => Quantization().Huffman().Frame(frameMarker);

    /// <summary>A sequential file with one scan for all components.</summary>
    public static byte[] Sequential(int width, int height, int seed, params (int Horizontal, int Vertical)[] sampling) =>
        new JpegBuilder(width, height, seed, sampling).Tables().Scan(0, 63, [.. Enumerable.Range(0, sampling.Length)]).End();

    public byte[] End() => Raw(0xFF, 0xD9).ToBytes();

    public byte[] ScanData(int first, int last, params int[] components)
    {
        var writer = new JpegBitWriter();
        var predictors = new int[sampling.Length];
        bool alone = components.Length == 1;
        int mcuColumns = alone ? SampleBlocks(components[0]).Columns : McuColumns;
        int mcuRows = alone ? SampleBlocks(components[0]).Rows : McuRows;
        for (int mcu = 0; mcu < mcuColumns * mcuRows; mcu++)
        {
            if (interval > 0 && mcu > 0 && mcu % interval == 0)
            {
                writer.WriteMarker((byte)(0xD0 + (((mcu / interval) - 1) & 7)));
                Array.Clear(predictors);
            }

            (int mcuRow, int mcuColumn) = Math.DivRem(mcu, mcuColumns);
            foreach (int index in components)
            {
                (int horizontal, int vertical) = alone ? (1, 1) : sampling[index];
                for (int i = 0; i < horizontal * vertical; i++)
                {
                    int row = (mcuRow * vertical) + (i / horizontal);
                    int column = (mcuColumn * horizontal) + (i % horizontal);
                    ReadOnlySpan<short> block = coefficients[index].AsSpan(((row * BlockColumns(index)) + column) * 64, 64);
                    WriteBlock(writer, block, first, last, ref predictors[index]);
                }
            }
        }

        return writer.ToBytes();
    }

    private static void WriteBlock(JpegBitWriter writer, ReadOnlySpan<short> block, int first, int last, ref int predictor)
    {
        if (first == 0)
        {
            int difference = block[0] - predictor;
            predictor = block[0];
            int size = JpegBitWriter.SizeOf(difference);
            writer.Write(size, 4);
            writer.WriteValue(difference, size);
        }

        int run = 0;
        for (int i = Math.Max(first, 1); i <= last; i++)
        {
            if (block[i] == 0)
            {
                run++;
                continue;
            }

            for (; run > 15; run -= 16)
            {
                WriteAc(writer, 0xF0);
            }

            int size = JpegBitWriter.SizeOf(block[i]);
            WriteAc(writer, (run << 4) | size);
            writer.WriteValue(block[i], size);
            run = 0;
        }

        if (run > 0)
        {
            WriteAc(writer, 0);
        }
    }

    private static void WriteAc(JpegBitWriter writer, int symbol) => writer.Write(Array.IndexOf(AcSymbols(), (byte)symbol), 8);

    private static byte[] AcSymbols() =>
        [.. Enumerable.Range(0, 256).Where(symbol => (symbol & 15) <= 10).Select(symbol => (byte)symbol)];

    // In zigzag order: a few small values, mostly early ones.
    private static short[] RandomCoefficients(Random random, int blocks)
    {
        var values = new short[64 * blocks];
        for (int block = 0; block < blocks; block++)
        {
            values[64 * block] = (short)random.Next(-180, 180);
            for (int i = 0; i < 6; i++)
            {
                values[(64 * block) + random.Next(1, 1 + random.Next(1, 64))] = (short)random.Next(-9, 10);
            }
        }

        return values;
    }

    private int MaxHorizontal => sampling.Max(s => s.Horizontal);

    private int MaxVertical => sampling.Max(s => s.Vertical);

    private int McuColumns => Ceiling(width, 8 * MaxHorizontal);

    private int McuRows => Ceiling(height, 8 * MaxVertical);

    private int BlockColumns(int index) => McuColumns * sampling[index].Horizontal;

    private int BlockRows(int index) => McuRows * sampling[index].Vertical;

    private (int Columns, int Rows) SampleBlocks(int index) =>
        (Ceiling(Ceiling(width * sampling[index].Horizontal, MaxHorizontal), 8), Ceiling(Ceiling(height * sampling[index].Vertical, MaxVertical), 8));

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
