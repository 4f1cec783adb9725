namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>
/// Walks the MCUs of one scan, passes restart markers, and hands each block to the decoder of its coding. A scan that holds the whole picture goes
/// straight to the samples; every other scan adds to the stored coefficients of its components.
/// </summary>
internal ref struct ScanDecoder
{
    private readonly JpegFrame _frame;
    private readonly ScanHeader _scan;
    private readonly int _restartInterval;
    private EntropyReader _reader;
    private int _mcusUntilRestart;
    private int _restartNumber;
    private int _endOfBandRun;

    /// <summary>Prepares a scan whose header and tables have been checked.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="restartInterval">MCUs between restart markers, 0 for none.</param>
    /// <param name="reader">A reader at the first entropy-coded byte.</param>
    public ScanDecoder(JpegFrame frame, ScanHeader scan, int restartInterval, EntropyReader reader)
    {
        _frame = frame;
        _scan = scan;
        _restartInterval = restartInterval;
        _reader = reader;
        _mcusUntilRestart = restartInterval;
        ResetPredictors();
    }

    /// <summary>Decodes a sequential scan of all components, in frame order, to the picture.</summary>
    public void DecodeTo(PictureAssembler assembler)
    {
        Span<short> block = stackalloc short[64];
        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            for (int mcuColumn = 0; mcuColumn < _frame.McuColumns; mcuColumn++)
            {
                BeginMcu();
                for (int index = 0; index < _frame.Components.Length; index++)
                {
                    JpegComponent component = _frame.Components[index];
                    ReadOnlySpan<ushort> quantization = component.Quantization;
                    int stride = assembler.RowStride(index);
                    for (int i = 0; i < component.HorizontalSampling * component.VerticalSampling; i++)
                    {
                        block.Clear();
                        bool hasAc = SequentialBlock.Decode(ref _reader, component, block);
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
        if (_scan.Components.Length == 1)
        {
            JpegComponent component = _scan.Components[0];
            for (int row = 0; row < component.BlockRows; row++)
            {
                for (int column = 0; column < component.BlockColumns; column++)
                {
                    BeginMcu();
                    DecodeBlock(component, component.Block(row, column));
                }
            }

            return _reader.Position;
        }

        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            for (int mcuColumn = 0; mcuColumn < _frame.McuColumns; mcuColumn++)
            {
                BeginMcu();
                foreach (JpegComponent component in _scan.Components)
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

        return _reader.Position;
    }

    private void DecodeBlock(JpegComponent component, Span<short> block)
    {
        if (!_frame.IsProgressive)
        {
            SequentialBlock.Decode(ref _reader, component, block);
        }
        else if (_scan.IsDc && _scan.IsRefinement)
        {
            ProgressiveBlock.DecodeDcRefinement(ref _reader, _scan.LowestBit, block);
        }
        else if (_scan.IsDc)
        {
            ProgressiveBlock.DecodeDcFirst(ref _reader, component, _scan.LowestBit, block);
        }
        else if (_scan.IsRefinement)
        {
            ProgressiveBlock.DecodeAcRefinement(ref _reader, _scan, ref _endOfBandRun, block);
        }
        else
        {
            ProgressiveBlock.DecodeAcFirst(ref _reader, _scan, ref _endOfBandRun, block);
        }
    }

    private void BeginMcu()
    {
        if (_restartInterval == 0)
        {
            return;
        }

        if (_mcusUntilRestart == 0)
        {
            if (_endOfBandRun != 0)
            {
                throw _reader.Corrupt("an end-of-band run crosses a restart marker.");
            }

            _reader.PassRestartMarker(_restartNumber);
            _restartNumber = (_restartNumber + 1) & 7;
            _mcusUntilRestart = _restartInterval;
            ResetPredictors();
        }

        _mcusUntilRestart--;
    }

    private readonly void ResetPredictors()
    {
        foreach (JpegComponent component in _scan.Components)
        {
            component.DcPredictor = 0;
        }
    }
}
