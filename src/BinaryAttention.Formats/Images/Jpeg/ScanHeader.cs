namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>The scan header (SOS): which components, which coefficients in zigzag order and which bits of them the scan delivers.</summary>
/// <param name="Components">The components, in scan order.</param>
/// <param name="FirstCoefficient">Ss: 0 for DC.</param>
/// <param name="LastCoefficient">Se: 63 for a sequential scan.</param>
/// <param name="PreviousBit">Ah: the lowest bit known before a refining scan, 0 for a first scan.</param>
/// <param name="LowestBit">Al: the lowest bit after this scan.</param>
/// <param name="Offset">Offset of the marker, for errors.</param>
internal sealed record ScanHeader(JpegComponent[] Components, int FirstCoefficient, int LastCoefficient, int PreviousBit, int LowestBit, int Offset)
{
    public bool IsDc => FirstCoefficient == 0;

    public bool IsRefinement => PreviousBit != 0;

    /// <summary>Blocks coded in the scan: whole MCUs if it interleaves components, otherwise only blocks that hold samples.</summary>
    public long BlockCount
    {
        get
        {
            if (Components.Length == 1)
            {
                return (long)Components[0].BlockColumns * Components[0].BlockRows;
            }

            long blocks = 0;
            foreach (JpegComponent component in Components)
            {
                blocks += (long)component.PaddedBlockColumns * component.PaddedBlockRows;
            }

            return blocks;
        }
    }
}
