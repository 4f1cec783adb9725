// One JSON object on one line of standard output: UTF-8 text, camelCase, numbers as the invariant culture writes them.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BinaryAttention.Cli.Console;

internal static class JsonLine
{
    // Escapes only what JSON demands: the text goes to a terminal or a file, never into a web page.
    private static readonly JsonWriterOptions Options = new() { Indented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(TextWriter output, Action<Utf8JsonWriter> properties)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }

        // The line is complete before any of it is written: an interruption leaves no half object behind.
        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
        output.Flush();
    }

    /// <summary>A number, or null where it is not finite: JSON has no NaN.</summary>
    public static void Number(this Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    /// <summary>A number rounded to so many digits behind the point.</summary>
    public static void Number(this Utf8JsonWriter writer, string name, double value, int digits) => writer.Number(name, Math.Round(value, digits));

    public static void Strings(this Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
