// Runs a test program again with other environment variables: switches of the runtime are read once at a process's start, and a fault in a guard page ends the process.
using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace TestKit;

/// <summary>This test program, run again as a child.</summary>
public static class ChildProgram
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <summary>Runs the tests that a filter selects.</summary>
    /// <param name="program">The test program's assembly.</param>
    /// <param name="environment">Variables of the child beside this process's own.</param>
    /// <param name="filter">Arguments that select tests.</param>
    /// <returns>Exit code and everything the child wrote.</returns>
    /// <exception cref="TimeoutException">The child did not end in time; it was killed.</exception>
    public static (int ExitCode, string Output) Run(Assembly program, IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter)
    {
        using Process process = Start(program, environment, filter);
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(Timeout))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The child did not end within {Timeout}. {output}");
        }

        process.WaitForExit();
        return (process.ExitCode, output.ToString());
    }

    /// <summary>Starts the tests that a filter selects and does not wait; what the child writes must be read, or it may stop at a full pipe.</summary>
    /// <param name="program">The test program's assembly.</param>
    /// <param name="environment">Variables of the child beside this process's own.</param>
    /// <param name="filter">Arguments that select tests.</param>
    public static Process Start(Assembly program, IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(environment);
        string host = Environment.ProcessPath ?? "dotnet";
        var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (string.Equals(Path.GetFileNameWithoutExtension(host), "dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(program.Location);
        }

        foreach (string argument in (ReadOnlySpan<string>)[.. filter, "--no-progress", "--no-ansi"])
        {
            start.ArgumentList.Add(argument);
        }

        // A parent under `dotnet test` talks to its host through these; a child must not.
        foreach (string name in start.Environment.Keys.Where(static name => name.StartsWith("TESTINGPLATFORM_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>What is wrong with a child whose tests should have run and passed, or null.</summary>
    /// <param name="result">What <see cref="Run"/> gave.</param>
    public static string? Failure((int ExitCode, string Output) result) => result.ExitCode == 0 && !result.Output.Contains("succeeded: 0", StringComparison.Ordinal)
        ? null
        : $"The child ended with exit code {result.ExitCode}.{Environment.NewLine}{result.Output}";

    private static void Append(StringBuilder output, string? line)
    {
        lock (output)
        {
            output.AppendLine(line);
        }
    }
}
