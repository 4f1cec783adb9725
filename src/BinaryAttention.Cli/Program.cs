// The process around the application: standard streams, Ctrl-C, exit code.
namespace BinaryAttention.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        using var cancellation = new CancellationTokenSource();
        System.Console.CancelKeyPress += (_, pressed) =>
        {
            // The first Ctrl-C lets the command stop between two steps; a second one ends the process at once.
            pressed.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        };
        System.Console.OutputEncoding = System.Text.Encoding.UTF8;
        return CommandLineApplication.Run(args, System.Console.Out, System.Console.Error, cancellationToken: cancellation.Token);
    }
}
