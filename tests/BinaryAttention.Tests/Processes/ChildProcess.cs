// Runs this test program again with other environment variables: switches of the runtime are read once at its start, and a fault in a guard page ends the process.
// Children start no children (ContractCases.ChildVariable).
using System.Diagnostics;
using System.Text;
using BinaryAttention.Tests.Contract;
using Xunit;

namespace BinaryAttention.Tests.Processes;

internal static class ChildProcess
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <summary>Runs the tests that the filter selects.</summary>
    /// <param name="environment">Variables of the child beside this process's own.</param>
    /// <param name="filter">Arguments that select tests.</param>
    /// <returns>Exit code and everything the child wrote.</returns>
    public static (int ExitCode, string Output) Run(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter)
    {
        Assert.SkipWhen(ContractCases.IsChild, "children start no children");
        string program = Environment.ProcessPath ?? "dotnet";
        bool isHost = string.Equals(Path.GetFileNameWithoutExtension(program), "dotnet", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (isHost)
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        foreach (string argument in (ReadOnlySpan<string>)[.. filter, "--no-progress", "--no-ansi"])
        {
            start.ArgumentList.Add(argument);
        }

        // A parent under `dotnet test` talks to its host through these; a child must not.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("TESTINGPLATFORM_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment[ContractCases.ChildVariable] = "1";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(Timeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The child did not end within {Timeout}. {output}");
        }

        process.WaitForExit();
        return (process.ExitCode, output.ToString());
    }

    /// <summary>Runs the tests that the filter selects and asserts that some ran and none failed.</summary>
    public static void Passes(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter)
    {
        (int exitCode, string output) = Run(environment, filter);
        Assert.True(exitCode == 0 && !output.Contains("succeeded: 0", StringComparison.Ordinal), $"The child ended with exit code {exitCode}.{Environment.NewLine}{output}");
    }

    private static void Append(StringBuilder output, string? line)
    {
        lock (output)
        {
            output.AppendLine(line);
        }
    }
}
