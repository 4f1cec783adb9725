// HTML that text from outside cannot break out of: markup can only be written as the literal parts of an interpolated string, and every hole is escaped. There is no
// method that takes a plain string as markup. The output is also well-formed XML, so a test can check it with a parser.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace BinaryAttention.Models.Reports;

internal sealed class HtmlText
{
    private readonly StringBuilder _text = new();

    /// <summary>Writes literal markup with escaped holes.</summary>
    public void Write([InterpolatedStringHandlerArgument("")] ref Fragment fragment)
    {
        // The handler has written already.
        _ = fragment;
    }

    public override string ToString() => _text.ToString();

    private void AppendEscaped(string? text)
    {
        // Half surrogate pairs come out of EnumerateRunes as U+FFFD.
        foreach (Rune rune in (text ?? string.Empty).EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '<' => _text.Append("&lt;"),
                '>' => _text.Append("&gt;"),
                '&' => _text.Append("&amp;"),
                '"' => _text.Append("&quot;"),
                '\'' => _text.Append("&#39;"),

                // Control and format characters (among them those that turn the direction of text) and what XML does not allow.
                _ when IsInvisible(rune) => _text.Append('\uFFFD'),
                _ => _text.Append(rune.ToString()),
            };
        }
    }

    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator || rune.Value is 0xFFFE or 0xFFFF;

    /// <summary>One interpolated string on its way into the page.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Fragment(int literalLength, int formattedCount, HtmlText target)
    {
        public void AppendLiteral(string markup)
        {
            _ = (literalLength, formattedCount);
            target._text.Append(markup);
        }

        public void AppendFormatted(string? text) => target.AppendEscaped(text);

        public void AppendFormatted<T>(T value, string? format = null)
            where T : IFormattable => target.AppendEscaped(value.ToString(format, CultureInfo.InvariantCulture));
    }
}
