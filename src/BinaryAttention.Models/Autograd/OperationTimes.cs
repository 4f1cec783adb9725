using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BinaryAttention.Models.Autograd;

/// <summary>Time of the backward pass by operation, for finding what is slow: names without their blocks.</summary>
internal sealed class OperationTimes
{
    private readonly Dictionary<string, long> _ticks = new(StringComparer.Ordinal);

    /// <summary>Milliseconds by operation, longest first.</summary>
    public IEnumerable<(string Operation, double Milliseconds)> Longest => _ticks.OrderByDescending(static pair => pair.Value).Select(static pair => (pair.Key, pair.Value * 1000.0 / Stopwatch.Frequency));

    public void Clear() => _ticks.Clear();

    public void Add(string name, long ticks)
    {
        string[] parts = name.Split('.');
        string operation = parts is ["blocks", _, _, ..] ? string.Join('.', parts[2..]) : name;
        CollectionsMarshal.GetValueRefOrAddDefault(_ticks, operation, out _) += ticks;
    }
}
