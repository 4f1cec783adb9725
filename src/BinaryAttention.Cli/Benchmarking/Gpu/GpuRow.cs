using System.Text.Json;
using BinaryAttention.Cli.Console;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

/// <summary>One line of the report: a kind, and properties in the order they were added.</summary>
internal sealed class GpuRow(string kind)
{
    private readonly List<Action<Utf8JsonWriter>> _properties = [];
    private readonly Dictionary<string, string> _text = new(StringComparer.Ordinal);

    public string Kind => kind;

    public GpuRow With(string name, string? value) => Add(name, value ?? "null", writer => writer.WriteString(name, value));

    public GpuRow With(string name, long value) => Add(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture), writer => writer.WriteNumber(name, value));

    public GpuRow With(string name, bool value) => Add(name, value ? "yes" : "no", writer => writer.WriteBoolean(name, value));

    /// <summary>A number rounded to four significant places behind the point.</summary>
    public GpuRow With(string name, double value) => Add(name, value.ToString("F4", System.Globalization.CultureInfo.InvariantCulture), writer => writer.Number(name, value, 6));

    /// <summary>The property as text for a table; a dash if there is none.</summary>
    public string Text(string name) => _text.GetValueOrDefault(name, "-");

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("kind", kind);
        _properties.ForEach(property => property(writer));
    }

    /// <summary>The row of something that was not measured.</summary>
    public static GpuRow NotMeasured(string what, string why) => new GpuRow("not-measured").With("what", what).With("why", why);

    private GpuRow Add(string name, string text, Action<Utf8JsonWriter> property)
    {
        _properties.Add(property);
        _text.Add(name, text);
        return this;
    }
}
