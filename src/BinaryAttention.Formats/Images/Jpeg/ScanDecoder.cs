namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Walks the MCUs of one scan, passes restart markers, and hands each block to the decoder of its coding. A scan that holds the whole picture goes
/// straight to the samples; every other scan adds to the stored coefficients of its components.
/// </summary>
internal ref struct ScanDecoder
{
    private readonly JpegFrame frame;
    private readonly ScanHeader scan;
    private readonly int restartInterval;
    private EntropyReader reader;
    private int mcusUntilRestart;
    private int restartNumber;
    private int endOfBandRun;

    /// <summary>Prepares a scan whose header and tables have been checked.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="restartInterval">MCUs between restart markers, 0 for none.</param>
    /// <param name="reader">A reader at the first entropy-coded byte.</param>
    public ScanDecoder(JpegFrame frame, ScanHeader scan, int restartInterval, EntropyReader reader)
    {
        this.frame = frame;
        this.scan = scan;
        this.restartInterval = restartInterval;
        this.reader = reader;
        mcusUntilRestart = restartInterval;
        ResetPredictors();
    }

    /// <summary>Decodes a sequential scan of all components, in frame order, to the picture.</summary>
    public void DecodeTo(PictureAssembler assembler)
    {
        Span<short> block = stackalloc short[64];
        for (int mcuRow = 0; mcuRow < frame.McuRows; mcuRow++)
        {
            for (int mcuColumn = 0; mcuColumn < frame.McuColumns; mcuColumn++)
            {
                BeginMcu();
                for (int index = 0; index < frame.Components.Length; index++)
                {
                    JpegComponent component = frame.Components[index];
                    ReadOnlySpan<ushort> quantization = component.Quantization;
                    int stride = assembler.RowStride(index);
                    for (int i = 0; i < component.HorizontalSampling * component.VerticalSampling; i++)
                    {
                        block.Clear();
                        bool hasAc = SequentialBlock.Decode(ref reader, component, block);
                        int row = (mcuRow * component.VerticalSampling) + (i / component.HorizontalSampling);
                        int column = (mcuColumn * component.HorizontalSampling) + (i % component.HorizontalSampling);
                        Span<byte> samples = assembler.BlockSamples(index, row, column);
                        if (hasAc)
                        {
                            IntegerDct.Inverse(block, quantization, samples, stride);
                        }
                        else
                        {
                            IntegerDct.InverseOfDc(block[0] * quantization[0], samples, stride);
                        }
                    }
                }
            }

            assembler.CompleteStrip(mcuRow);
        }
    }

    /// <summary>Decodes a scan into the coefficients of its components.</summary>
    /// <returns>Offset at which to look for the marker behind the scan.</returns>
    public int DecodeToCoefficients()
    {
        if (scan.Components.Length == 1)
        {
            JpegComponent component = scan.Components[0];
            for (int row = 0; row < component.BlockRows; row++)
            {
                for (int column = 0; column < component.BlockColumns; column++)
                {
                    BeginMcu();
                    DecodeBlock(component, component.Block(row, column));
                }
            }

            return reader.Position;
        }

        for (int mcuRow = 0; mcuRow < frame.McuRows; mcuRow++)
        {
            for (int mcuColumn = 0; mcuColumn < frame.McuColumns; mcuColumn++)
            {
                BeginMcu();
                foreach (JpegComponent component in scan.Components)
                {
                    for (int i = 0; i < component.HorizontalSampling * component.VerticalSampling; i++)
                    {
                        int row = (mcuRow * component.VerticalSampling) + (i / component.HorizontalSampling);
                        int column = (mcuColumn * component.HorizontalSampling) + (i % component.HorizontalSampling);
                        DecodeBlock(component, component.Block(row, column));
                    }
                }
            }
        }

        return reader.Position;
    }

    private void DecodeBlock(JpegComponent component, Span<short> block)
    {
        if (!frame.IsProgressive)
        {
            SequentialBlock.Decode(ref reader, component, block);
        }
        else if (scan.IsDc && scan.IsRefinement)
        {
            ProgressiveBlock.DecodeDcRefinement(ref reader, scan.LowestBit, block);
        }
        else if (scan.IsDc)
        {
            ProgressiveBlock.DecodeDcFirst(ref reader, component, scan.LowestBit, block);
        }
        else if (scan.IsRefinement)
        {
            ProgressiveBlock.DecodeAcRefinement(ref reader, scan, ref endOfBandRun, block);
        }
        else
        {
            ProgressiveBlock.DecodeAcFirst(ref reader, scan, ref endOfBandRun, block);
        }
    }

    private void BeginMcu()
    {
        if (restartInterval == 0)
        {
            return;
        }

        if (mcusUntilRestart == 0)
        {
            if (endOfBandRun != 0)
            {
                throw reader.Corrupt("an end-of-band run crosses a restart marker.");
            }

            reader.PassRestartMarker(restartNumber);
            restartNumber = (restartNumber + 1) & 7;
            mcusUntilRestart = restartInterval;
            ResetPredictors();
        }

        mcusUntilRestart--;
    }

    private readonly void ResetPredictors()
    {
        foreach (JpegComponent component in scan.Components)
        {
            component.DcPredictor = 0;
        }
    }
}
