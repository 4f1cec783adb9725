// What every command gets from outside, so that tests run commands in their own process with their own streams.
using BinaryAttention.Cuda.Hosting;

namespace BinaryAttention.Cli;

internal sealed record CliContext(TextWriter Output, TextWriter Error, TimeProvider Time, CancellationToken Cancellation)
{
    /// <summary>The GPUs of this machine; asked only by commands that want to know.</summary>
    public Func<CudaDiscovery> Gpus { get; init; } = static () => CudaDiscovery.Current;

    /// <summary>Whether standard output is a terminal: colours and the terminal's own width.</summary>
    public bool IsOutputInteractive => ReferenceEquals(Output, System.Console.Out) && !System.Console.IsOutputRedirected;

    /// <summary>Whether standard error is a terminal: a progress bar instead of lines.</summary>
    public bool IsErrorInteractive => ReferenceEquals(Error, System.Console.Error) && !System.Console.IsErrorRedirected;

    /// <summary>Writes one line, even where the message of a nested exception holds line breaks.</summary>
    public void Report(string problem) => Error.WriteLine($"binattn: {problem.ReplaceLineEndings(" ")}");

    public void Warn(string message) => Error.WriteLine($"binattn: warning: {message}");
}
