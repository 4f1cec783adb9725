namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>What the components of a frame mean.</summary>
internal enum ColorModel
{
    /// <summary>One component, brightness.</summary>
    Grey,

    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Brightness and two colour differences (ITU-T T.871).</summary>
    YCbCr,

    /// <summary>Ink amounts, stored as 255 minus the amount.</summary>
    InvertedCmyk,

    /// <summary><see cref="InvertedCmyk"/> whose first three components are coded as brightness and colour differences.</summary>
    InvertedYcck,
}
