// The numbers of a code tensor. Signs, biases and factors have no way to show a NaN, so numbers that are not finite, or so large that a product of them would not be, are refused where they are written and where they
// are read.
using System.Globalization;
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal static class CodeNumbers
{
    /// <summary>The largest magnitude: two of them, times the width of any model, stay far below the end of float32.</summary>
    public const float Largest = 1e12f;

    /// <summary>Reads a code tensor of a layer.</summary>
    /// <exception cref="FileFormatException">A number is not finite or far too large.</exception>
    public static float[] Read(WeightSource source, int layer, string part)
    {
        string name = CalibratedFormReader.Name(layer, part);
        float[] values = source.ReadSingles(name);
        return FindBad(values) is var bad && bad < 0
            ? values
            : throw new FileFormatException(source.Name, string.Create(CultureInfo.InvariantCulture, $"{source.StoredName(name)} holds {values[bad]} at index {bad}; finite numbers of at most {Largest:G1} are expected. Take the file as 'binattn calibrate' wrote it."));
    }

    /// <summary>The first number that a code tensor may not hold, or -1.</summary>
    public static int FindBad(ReadOnlySpan<float> values, float largest = Largest) => values.IndexOfAnyExceptInRange(-largest, largest);
}
