// BINARYATTENTION_PERFMAP=1: tells Linux profilers the names of generated kernels, in the file that perf reads for code without symbols.
using System.Diagnostics;
using System.Globalization;

namespace BinaryAttention.Kernels.Assembled;

internal static class PerfMap
{
    public const string EnvironmentVariable = "BINARYATTENTION_PERFMAP";

    private static readonly Lock s_lock = new();

    public static void Write(MachineCode code)
    {
        if (!OperatingSystem.IsLinux() || !string.Equals(Environment.GetEnvironmentVariable(EnvironmentVariable), "1", StringComparison.Ordinal))
        {
            return;
        }

        string line = string.Create(CultureInfo.InvariantCulture, $"{(ulong)code.Address:x} {code.Bytes.Length:x} binaryattention:{code.Name}\n");
        lock (s_lock)
        {
            try
            {
                // The name and place are perf's convention.
                File.AppendAllText(string.Create(CultureInfo.InvariantCulture, $"/tmp/perf-{Environment.ProcessId}.map"), line);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                Trace.TraceWarning($"{EnvironmentVariable}: {code.Name} was not written: {problem.Message}");
            }
        }
    }
}
