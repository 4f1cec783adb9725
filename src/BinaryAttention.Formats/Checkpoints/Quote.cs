using System.Globalization;
using System.Text;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>Puts text from a file into a message: quoted, shortened, and with nothing in it that could steer a terminal or a log.</summary>
internal static class Quote
{
    private const int MaxLength = 80;

    /// <summary>The text in single quotes; control, format and surrogate code units as \uXXXX, cut after 80.</summary>
    public static string Name(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (char unit in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
        {
            bool isPlain = char.GetUnicodeCategory(unit) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            if (isPlain)
            {
                quoted.Append(unit);
            }
            else
            {
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            }
        }

        return quoted.Append(text.Length > MaxLength ? "...'" : "'").ToString();
    }
}
