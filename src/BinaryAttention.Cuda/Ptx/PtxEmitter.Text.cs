// The finished module text, after the checks that need the whole entry.
using System.Globalization;
using System.Text;

namespace BinaryAttention.Cuda.Ptx;

internal sealed partial class PtxEmitter
{
    private static readonly string[] s_classNames = [string.Empty, "b16", "b32", "b64", "f32", "f64", "pred"];

    /// <summary>Checks labels and unused results, and gives the module for the oldest architecture that has its instructions; the driver compiles for that one or a later one.</summary>
    /// <param name="threadsPerBlock">Threads that every block has.</param>
    /// <param name="version">PTX version; 7.1 knows one-bit and-popcount.</param>
    /// <exception cref="PtxEmissionException">A branch leads nowhere, or a result is never used.</exception>
    public string ToText(int threadsPerBlock, string version = "7.1")
    {
        foreach ((string label, string place) in _branches)
        {
            if (!_labels.Contains(label))
            {
                throw new PtxEmissionException($"{_entry}: {place} branches to {label}, which is placed nowhere.");
            }
        }

        foreach ((PtxRegister register, string writer) in _written)
        {
            if (!_read.Contains(register))
            {
                throw new PtxEmissionException($"{_entry}: {register}, the result of {writer}, is never used.");
            }
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $".version {version}\n.target sm_{_target}\n.address_size 64\n\n");
        if (_hasDynamicShared)
        {
            text.Append(".extern .shared .align 16 .b8 dynamic_shared[];\n\n");
        }

        text.Append(CultureInfo.InvariantCulture, $".visible .entry {_entry}(\n    ").AppendJoin(",\n    ", _parameters).Append("\n)\n");
        text.Append(CultureInfo.InvariantCulture, $".reqntid {threadsPerBlock}, 1, 1\n{{\n");
        for (int i = 1; i < _counts.Length; i++)
        {
            if (_counts[i] != 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"    .reg .{s_classNames[i]} {PtxRegister.Prefix((PtxClass)i)}<{_counts[i]}>;\n");
            }
        }

        foreach ((string name, int bytes) in _sharedArrays)
        {
            text.Append(CultureInfo.InvariantCulture, $"    .shared .align 16 .b8 {name}[{bytes}];\n");
        }

        return text.Append('\n').Append(_body).Append("}\n").ToString();
    }
}
