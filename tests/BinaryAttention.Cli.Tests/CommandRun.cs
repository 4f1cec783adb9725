using System.Text.Json;
using BinaryAttention.Cuda.Hosting;

namespace BinaryAttention.Cli.Tests;

/// <summary>One run of the program inside the test process.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as JSON lines; fails if a line is anything else.</summary>
    public IReadOnlyList<JsonElement> JsonLines => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    public static CommandRun Of(params string[] args) => Of(CancellationToken.None, args);

    public static CommandRun Of(CancellationToken cancellationToken, params string[] args) => Of(null, cancellationToken, args);

    /// <summary>A run that sees the GPUs of a driver instead of this machine's.</summary>
    internal static CommandRun Of(Func<CudaDiscovery>? gpus, CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = CommandLineApplication.Run(args, output, error, new FixedTime(), gpus, cancellationToken);
        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Asserts bad input: exit code 2, nothing on standard output, one line on the error stream that holds the words.</summary>
    public void ShouldBeBadInput(params string[] words)
    {
        Xunit.Assert.Equal(ExitCodes.BadInput, ExitCode);
        Xunit.Assert.Empty(Output);
        string line = Xunit.Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Xunit.Assert.StartsWith("binattn: ", line, StringComparison.Ordinal);
        foreach (string word in words)
        {
            Xunit.Assert.Contains(word, line, StringComparison.Ordinal);
        }
    }
}
