// Some of many, spread evenly: the places floor(i * many / some). Data sets are often sorted by classes, so the first ones would stand for nothing but the first classes.
namespace BinaryAttention.Models.Calibration;

internal static class EvenSample
{
    /// <summary>The i-th place of a sample.</summary>
    /// <param name="i">From 0, less than <paramref name="count"/>.</param>
    /// <param name="count">Size of the sample, at most <paramref name="total"/>.</param>
    /// <param name="total">How many there are.</param>
    public static int Place(int i, int count, int total) => (int)((long)i * total / count);

    /// <summary>At most so many of some numbers, in their order.</summary>
    public static int[] Of(int[] from, int count) => count >= from.Length ? from : [.. Enumerable.Range(0, count).Select(i => from[Place(i, count, from.Length)])];
}
