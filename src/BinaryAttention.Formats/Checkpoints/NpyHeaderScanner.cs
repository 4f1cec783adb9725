using System.Text;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Reads the few tokens a .npy header is made of: punctuation, strings without escapes, True and False, tuples of non-negative integers.
/// White space is skipped before every token. It never nests and never looks ahead, so no header can make it slow or deep.
/// </summary>
internal ref struct NpyHeaderScanner
{
    private readonly ReadOnlySpan<byte> _header;
    private readonly int _headerStart;
    private readonly string _sourceName;
    private int _position;

    public NpyHeaderScanner(ReadOnlySpan<byte> header, int headerStart, string sourceName)
    {
        _header = header;
        _headerStart = headerStart;
        _sourceName = sourceName;
    }

    /// <summary>Where the next token begins, counted from the start of the header.</summary>
    public int Offset
    {
        get
        {
            SkipSpace();
            return _position;
        }
    }

    /// <summary>Whether the next token is this character; nothing is consumed.</summary>
    public bool IsAt(char expected)
    {
        SkipSpace();
        return _position < _header.Length && _header[_position] == expected;
    }

    /// <summary>Consumes this character if it is next.</summary>
    public bool TryTake(char expected)
    {
        bool isThere = IsAt(expected);
        _position += isThere ? 1 : 0;
        return isThere;
    }

    /// <summary>Consumes this character or fails.</summary>
    public void Require(char expected)
    {
        if (!TryTake(expected))
        {
            throw Fail($"the header holds {Found()} where '{expected}' was expected.", _position);
        }
    }

    /// <summary>Fails unless only white space is left.</summary>
    public void RequireEnd()
    {
        SkipSpace();
        if (_position < _header.Length)
        {
            throw Fail($"the header holds {Found()} after its closing brace; only white space may follow.", _position);
        }
    }

    /// <summary>A string in single or double quotes, printable ASCII without backslash.</summary>
    public string ReadString()
    {
        SkipSpace();
        int start = _position;
        if (start >= _header.Length || _header[start] is not ((byte)'\'' or (byte)'"'))
        {
            throw Fail($"the header holds {Found()} where a string in quotes was expected.", start);
        }

        int length = _header[(start + 1)..].IndexOf(_header[start]);
        if (length < 0)
        {
            throw Fail("a string of the header has no closing quote.", start);
        }

        ReadOnlySpan<byte> text = _header.Slice(start + 1, length);
        int odd = text.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        odd = odd >= 0 ? odd : text.IndexOf((byte)'\\');
        if (odd >= 0)
        {
            throw Fail($"a string of the header holds byte 0x{text[odd]:X2}; printable ASCII without backslash was expected.", start + 1 + odd);
        }

        _position = start + length + 2;
        return Encoding.ASCII.GetString(text);
    }

    /// <summary>True or False.</summary>
    public bool ReadBoolean()
    {
        SkipSpace();
        ReadOnlySpan<byte> rest = _header[_position..];
        bool value = rest.StartsWith("True"u8);
        if (!value && !rest.StartsWith("False"u8))
        {
            throw Fail($"the header holds {Found()} where True or False was expected.", _position);
        }

        _position += value ? 4 : 5;
        return value;
    }

    /// <summary>A tuple: (), (2,), (2, 3), (2, 3,). A single number needs its comma, or Python would read it as a number.</summary>
    public long[] ReadTuple(int maxCount)
    {
        Require('(');
        var numbers = new List<long>(4);
        while (!TryTake(')'))
        {
            int offset = Offset;
            numbers.Add(ReadNumber());
            if (numbers.Count > maxCount)
            {
                throw Fail($"shape has more than {maxCount} dimensions. Raise CheckpointLimits.MaxRank to read it.", offset);
            }

            if (!TryTake(','))
            {
                if (numbers.Count == 1)
                {
                    throw Fail("shape is a number in parentheses; a tuple such as (3,) was expected.", offset);
                }

                Require(')');
                break;
            }
        }

        return [.. numbers];
    }

    /// <summary>The exception for a problem at an offset of the header.</summary>
    public readonly FileFormatException Fail(string problem, int offset) => new(_sourceName, problem, _headerStart + offset);

    private long ReadNumber()
    {
        SkipSpace();
        int start = _position;
        long value = 0;
        while (_position < _header.Length && _header[_position] is >= (byte)'0' and <= (byte)'9')
        {
            int digit = _header[_position] - '0';
            if (value > (long.MaxValue - digit) / 10)
            {
                throw Fail("a dimension of shape is larger than 64 bits hold.", start);
            }

            value = (value * 10) + digit;
            _position++;
        }

        return _position > start ? value : throw Fail($"shape holds {Found()} where a non-negative integer was expected.", start);
    }

    private void SkipSpace()
    {
        while (_position < _header.Length && _header[_position] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
        {
            _position++;
        }
    }

    private readonly string Found() => _position >= _header.Length ? "its end"
        : _header[_position] is >= 0x21 and <= 0x7E ? $"'{(char)_header[_position]}'"
        : $"byte 0x{_header[_position]:X2}";
}
