using System.Numerics;
using System.Runtime.InteropServices;

namespace BinaryAttention.Formats.Images;

/// <summary>Undoes the five row filters of PNG filter method 0 in place. Every sum is modulo 256; bytes left of the row count as zero.</summary>
internal static class PngRowFilter
{
    /// <summary>Undoes <paramref name="filter"/>; false if no such filter exists.</summary>
    /// <param name="filter">The row's filter byte.</param>
    /// <param name="row">The filtered bytes; on return the bytes themselves.</param>
    /// <param name="above">The finished row above, as long as <paramref name="row"/>.</param>
    /// <param name="step">Bytes from a sample to the same sample of the pixel to its left.</param>
    public static bool TryUndo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        switch (filter)
        {
            case 0:
                return true;
            case 1:
                UndoLeft(row, step);
                return true;
            case 2:
                UndoUp(row, above);
                return true;
            case 3:
                UndoAverage(row, above, step);
                return true;
            case 4:
                UndoPaeth(row, above, step);
                return true;
            default:
                return false;
        }
    }

    private static void UndoLeft(Span<byte> row, int step)
    {
        for (int i = step; i < row.Length; i++)
        {
            row[i] += row[i - step];
        }
    }

    private static void UndoUp(Span<byte> row, ReadOnlySpan<byte> above)
    {
        Span<Vector<byte>> rowVectors = MemoryMarshal.Cast<byte, Vector<byte>>(row);
        ReadOnlySpan<Vector<byte>> aboveVectors = MemoryMarshal.Cast<byte, Vector<byte>>(above);
        for (int i = 0; i < rowVectors.Length; i++)
        {
            rowVectors[i] += aboveVectors[i];
        }

        for (int i = rowVectors.Length * Vector<byte>.Count; i < row.Length; i++)
        {
            row[i] += above[i];
        }
    }

    private static void UndoAverage(Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        above = above[..row.Length];
        int first = Math.Min(step, row.Length);
        for (int i = 0; i < first; i++)
        {
            row[i] += (byte)(above[i] >> 1);
        }

        for (int i = first; i < row.Length; i++)
        {
            row[i] += (byte)((row[i - step] + above[i]) >> 1);
        }
    }

    private static void UndoPaeth(Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        above = above[..row.Length];
        int first = Math.Min(step, row.Length);
        for (int i = 0; i < first; i++)
        {
            row[i] += above[i]; // left and upper left are zero: "above" is the closest predictor
        }

        for (int i = first; i < row.Length; i++)
        {
            row[i] += Paeth(row[i - step], above[i], above[i - step]);
        }
    }

    // Of left, above and upper left the one closest to left + above - upperLeft; ties go to left, then above.
    private static byte Paeth(int left, int above, int upperLeft)
    {
        int toLeft = Math.Abs(above - upperLeft);
        int toAbove = Math.Abs(left - upperLeft);
        int toUpperLeft = Math.Abs(left + above - 2 * upperLeft);
        if (toLeft <= toAbove && toLeft <= toUpperLeft)
        {
            return (byte)left;
        }

        return (byte)(toAbove <= toUpperLeft ? above : upperLeft);
    }
}
