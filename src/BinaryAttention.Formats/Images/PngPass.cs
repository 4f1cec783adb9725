namespace BinaryAttention.Formats.Images;

/// <summary>
/// One pass over the picture: it holds the pixels (<see cref="FirstColumn"/> + i * <see cref="ColumnStep"/>, <see cref="FirstRow"/> + j * <see cref="RowStep"/>).
/// Adam7 has seven of them, a picture without interlacing one that takes every pixel.
/// </summary>
internal readonly record struct PngPass(int FirstColumn, int FirstRow, int ColumnStep, int RowStep)
{
    private static readonly PngPass[] Interlaced =
    [
        new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2),
    ];

    private static readonly PngPass[] Whole = [new(0, 0, 1, 1)];

    /// <summary>The seven passes of Adam7, in file order.</summary>
    public static ReadOnlySpan<PngPass> Adam7 => Interlaced;

    /// <summary>The passes of a picture with or without interlacing.</summary>
    public static ReadOnlySpan<PngPass> Of(bool isInterlaced) => isInterlaced ? Interlaced : Whole;

    /// <summary>Pixels per row of this pass; 0 if the picture is too narrow for it.</summary>
    public int WidthOf(int imageWidth) => Count(imageWidth, FirstColumn, ColumnStep);

    /// <summary>Rows of this pass; 0 if the picture is too low for it.</summary>
    public int HeightOf(int imageHeight) => Count(imageHeight, FirstRow, RowStep);

    private static int Count(int size, int first, int step) => size <= first ? 0 : (size - first - 1) / step + 1;
}
