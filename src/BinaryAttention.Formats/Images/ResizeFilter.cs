namespace BinaryAttention.Formats.Images;

/// <summary>The interpolation kernel of <see cref="ImageResizer"/>. Both are widened by the reduction factor when a picture shrinks (antialiasing).</summary>
public enum ResizeFilter
{
    /// <summary>Triangle, reaching one pixel to either side.</summary>
    Bilinear = 0,

    /// <summary>Keys' cubic with a = -0.5, reaching two pixels to either side. Negative lobes: float results may leave the range of the input.</summary>
    Bicubic = 1,
}
