namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>The frame header (SOF): picture size, coding and components, with the sizes derived from them.</summary>
internal sealed class JpegFrame
{
    public JpegFrame(int width, int height, bool isProgressive, JpegComponent[] components)
    {
        Width = width;
        Height = height;
        IsProgressive = isProgressive;
        Components = components;
        foreach (JpegComponent component in components)
        {
            MaxHorizontalSampling = Math.Max(MaxHorizontalSampling, component.HorizontalSampling);
            MaxVerticalSampling = Math.Max(MaxVerticalSampling, component.VerticalSampling);
        }

        McuColumns = (width + McuWidth - 1) / McuWidth;
        McuRows = (height + McuHeight - 1) / McuHeight;
        foreach (JpegComponent component in components)
        {
            component.SetSizes(this);
            BlockCount += (long)component.PaddedBlockColumns * component.PaddedBlockRows;
        }
    }

    public int Width { get; }

    public int Height { get; }

    public bool IsProgressive { get; }

    public JpegComponent[] Components { get; }

    public int MaxHorizontalSampling { get; }

    public int MaxVerticalSampling { get; }

    /// <summary>Size in pixels of a minimum coded unit of all components.</summary>
    public int McuWidth => 8 * MaxHorizontalSampling;

    public int McuHeight => 8 * MaxVerticalSampling;

    public int McuColumns { get; }

    public int McuRows { get; }

    /// <summary>Blocks of all components, with those that only pad the last MCUs.</summary>
    public long BlockCount { get; }
}
