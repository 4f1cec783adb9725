using System.Globalization;
using System.Text;

namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// Reads a labels file: UTF-8 CSV of <c>file,label</c> with or without that header. Paths are normalised and may not leave the directory they are relative to;
/// backslashes count as separators, so files written on Windows work everywhere.
/// </summary>
internal static class LabelFile
{
    public static List<LabelLine> Read(string path, int maxLines)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);

        // Bytes that are not UTF-8 are an error, not a replacement character that no file name has.
        using var text = new StreamReader(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: false);
        return Read(text, path, maxLines);
    }

    internal static List<LabelLine> Read(TextReader text, string sourceName, int maxLines)
    {
        var reader = new CsvReader(text, sourceName);
        var lines = new List<LabelLine>();
        var lineOfPath = new Dictionary<string, int>(StringComparer.Ordinal);
        bool isFirst = true;
        while (reader.Read() is { } fields)
        {
            int lineNumber = reader.LineNumber;
            bool isHeader = isFirst && IsHeader(fields);
            isFirst = false;
            if (isHeader)
            {
                continue;
            }

            if (lines.Count == maxLines)
            {
                throw new FileFormatException(sourceName, $"line {lineNumber}: more than {maxLines} files are listed; split the file.");
            }

            LabelLine line = Parse(fields, lineNumber, sourceName);
            if (!lineOfPath.TryAdd(line.RelativePath, lineNumber))
            {
                throw new FileFormatException(sourceName, $"line {lineNumber}: the file '{line.RelativePath}' is listed already in line {lineOfPath[line.RelativePath]}.");
            }

            lines.Add(line);
        }

        if (lines.Count == 0)
        {
            throw new FileFormatException(sourceName, "no files are listed; lines of 'file,label' were expected.");
        }

        return lines;
    }

    private static bool IsHeader(string[] fields) =>
        fields.Length == 2 && fields[0].Equals("file", StringComparison.OrdinalIgnoreCase) && fields[1].Equals("label", StringComparison.OrdinalIgnoreCase);

    private static LabelLine Parse(string[] fields, int lineNumber, string sourceName)
    {
        if (fields.Length != 2)
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: {fields.Length} fields were found; two, file and label, are expected. Put names with commas in quotes.");
        }

        if (!int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out int label))
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: the label '{Shorten(fields[1])}' is not a class index; a whole number from 0 is expected (a header must read 'file,label').");
        }

        return new LabelLine(lineNumber, Normalize(fields[0], lineNumber, sourceName), label);
    }

    private static string Normalize(string listed, int lineNumber, string sourceName)
    {
        string path = listed.Replace('\\', '/');
        bool hasDrive = path.Length >= 2 && path[1] == ':' && char.IsAsciiLetter(path[0]);
        if (hasDrive || path.StartsWith('/'))
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: the path '{Shorten(listed)}' is absolute; paths relative to the images directory are expected.");
        }

        if (path.Any(char.IsControl))
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: the path has a control character.");
        }

        string[] parts = [.. path.Split('/').Where(static part => part.Length > 0 && part != ".")];
        if (parts.Contains("..", StringComparer.Ordinal))
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: the path '{Shorten(listed)}' has a '..' part; files outside the images directory are not read.");
        }

        if (parts.Length == 0)
        {
            throw new FileFormatException(sourceName, $"line {lineNumber}: the file name is empty.");
        }

        return string.Join('/', parts);
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";
}
