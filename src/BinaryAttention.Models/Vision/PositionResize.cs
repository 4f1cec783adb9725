namespace BinaryAttention.Models.Vision;

/// <summary>How a position embedding is fitted to another grid of patches.</summary>
public enum PositionResize
{
    /// <summary>Bicubic with a = -0.75, no antialiasing: what the published fine-tuning code does. The default.</summary>
    Bicubic = 0,

    /// <summary>Bilinear: the other variant of the published code.</summary>
    Bilinear = 1,
}
