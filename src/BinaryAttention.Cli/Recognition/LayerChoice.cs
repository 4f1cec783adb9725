// Layers on the command line: how many (the most sensitive ones, found by measuring) or which, as a list. A list of one layer ends in a comma, to tell it from a count.
using System.Globalization;

namespace BinaryAttention.Cli.Recognition;

/// <param name="Count">How many are to be found; 0 where they are named.</param>
/// <param name="Layers">Those that were named.</param>
internal sealed record LayerChoice(int Count, int[] Layers)
{
    public static LayerChoice Parse(string text, string option)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            return new LayerChoice(count, []);
        }

        string[] parts = text.TrimEnd(',').Split(',', StringSplitOptions.TrimEntries);
        var layers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out layers[i]))
            {
                throw new BadInputException($"{option} is \"{text}\"; a number of layers is expected, or layers from 0 separated by commas, such as 0,7 (one alone: 7,).");
            }
        }

        return new LayerChoice(0, [.. layers.Distinct().Order()]);
    }
}
