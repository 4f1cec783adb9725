// Declared registers of an entry: name to slot, with the class letter that instructions ask for.
using System.Globalization;

namespace TestKit.Ptx;

internal sealed class PtxRegisters
{
    private readonly Dictionary<string, (char Class, int First, int Count)> _files = new(StringComparer.Ordinal);

    public int Count { get; private set; }

    public void Declare(string type, string prefix, int count)
    {
        char letter = type switch
        {
            "b16" => 'h',
            "b32" => 'r',
            "b64" => 'd',
            "f32" => 'f',
            "f64" => 'g',
            "pred" => 'p',
            _ => throw new PtxFaultException($".reg .{type}: unknown type."),
        };
        _files.Add(prefix, (letter, Count, count));
        Count += count;
    }

    /// <summary>Class and slot of a register name, or null if it is none.</summary>
    public (char Class, int Slot)? Find(string name)
    {
        string prefix = name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        if (!_files.TryGetValue(prefix, out (char Class, int First, int Count) file)
            || !int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            || index >= file.Count)
        {
            return null;
        }

        return (file.Class, file.First + index);
    }

    public string NameOf(int slot)
    {
        foreach ((string prefix, (_, int first, int count)) in _files)
        {
            if (slot >= first && slot < first + count)
            {
                return prefix + (slot - first).ToString(CultureInfo.InvariantCulture);
            }
        }

        return "?";
    }
}
