using System.Text;

namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// Reads comma-separated lines (RFC 4180 without line breaks inside quotes, which no file name needs). Spaces round unquoted fields are dropped, blank lines skipped;
/// lines end in LF, CR LF or CR. A line is refused once it passes <see cref="MaxLineCharacters"/>, before it is held in memory.
/// </summary>
internal sealed class CsvReader
{
    public const int MaxLineCharacters = 8192;

    private readonly TextReader _text;
    private readonly string _sourceName;
    private readonly StringBuilder _line = new();
    private int _linesRead;
    private bool _afterCarriageReturn;

    public CsvReader(TextReader text, string sourceName)
    {
        _text = text;
        _sourceName = sourceName;
    }

    /// <summary>Line of the fields returned last, from 1.</summary>
    public int LineNumber => _linesRead;

    /// <summary>The fields of the next line that is not blank, or null at the end.</summary>
    public string[]? Read()
    {
        while (TryReadLine())
        {
            string line = _line.ToString();
            if (!string.IsNullOrWhiteSpace(line))
            {
                return Split(line);
            }
        }

        return null;
    }

    private bool TryReadLine()
    {
        _line.Clear();
        int value = ReadCharacter();
        if (_afterCarriageReturn && value == '\n')
        {
            value = ReadCharacter();
        }

        _afterCarriageReturn = false;
        if (value < 0)
        {
            return false;
        }

        _linesRead++;
        for (; value >= 0 && value != '\n'; value = ReadCharacter())
        {
            if (value == '\r')
            {
                _afterCarriageReturn = true; // a line feed that follows belongs to this line's end
                break;
            }

            if (_line.Length == MaxLineCharacters)
            {
                throw new FileFormatException(_sourceName, $"line {LineNumber} has more than {MaxLineCharacters} characters.");
            }

            _line.Append((char)value);
        }

        return true;
    }

    private int ReadCharacter()
    {
        try
        {
            return _text.Read();
        }
        catch (DecoderFallbackException exception)
        {
            throw new FileFormatException(_sourceName, $"after line {_linesRead}: the bytes are not UTF-8 text. Save the file as UTF-8.", innerException: exception);
        }
    }

    private string[] Split(string line)
    {
        var fields = new List<string>();
        int position = 0;
        while (true)
        {
            fields.Add(ReadField(line, ref position));
            if (position == line.Length)
            {
                return [.. fields];
            }

            position++; // the comma
        }
    }

    // Leaves position at the comma behind the field or at the end of the line.
    private string ReadField(string line, ref int position)
    {
        int start = position;
        while (start < line.Length && line[start] is (' ' or '\t'))
        {
            start++;
        }

        if (start < line.Length && line[start] == '"')
        {
            position = start + 1;
            return ReadQuoted(line, ref position);
        }

        int comma = line.IndexOf(',', position);
        int end = comma < 0 ? line.Length : comma;
        string field = line[position..end].Trim();
        if (field.Contains('"', StringComparison.Ordinal))
        {
            throw new FileFormatException(_sourceName, $"line {LineNumber}: a quote stands inside an unquoted field. Quote the whole field and double the quotes in it.");
        }

        position = end;
        return field;
    }

    private string ReadQuoted(string line, ref int position)
    {
        var field = new StringBuilder();
        while (true)
        {
            if (position == line.Length)
            {
                throw new FileFormatException(_sourceName, $"line {LineNumber}: a quoted field is not closed.");
            }

            char value = line[position++];
            if (value != '"')
            {
                field.Append(value);
            }
            else if (position < line.Length && line[position] == '"')
            {
                field.Append('"');
                position++;
            }
            else
            {
                break;
            }
        }

        while (position < line.Length && line[position] is (' ' or '\t'))
        {
            position++;
        }

        if (position < line.Length && line[position] != ',')
        {
            throw new FileFormatException(_sourceName, $"line {LineNumber}: text follows a closing quote; a comma or the end of the line was expected.");
        }

        return field.ToString();
    }
}
