namespace BinaryAttention.Formats.Images;

/// <summary>The colour type byte of IHDR: bit 0 palette, bit 1 colour, bit 2 alpha.</summary>
internal enum PngColourType
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    Rgba = 6,
}
