// The whole program as one call: parse, run, turn every outcome into an exit code and one plain line on the error stream.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using BinaryAttention.Cli.Commands;
using BinaryAttention.Cli.Console;
using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Formats;

namespace BinaryAttention.Cli;

internal static class CommandLineApplication
{
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error, TimeProvider? time = null, Func<CudaDiscovery>? gpus = null, CancellationToken cancellationToken = default)
    {
        var context = new CliContext(output, error, time ?? TimeProvider.System, cancellationToken) { Gpus = gpus ?? (static () => CudaDiscovery.Current) };
        RootCommand root = CreateRoot(context);
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not (ExampleHelpAction or HelpAction))
        {
            string command = CommandPath(parsed);
            return Fail(context, $"{string.Join(" ", parsed.Errors.Select(problem => problem.Message))} See '{command} --help'.", ExitCodes.BadInput);
        }

        return Guard(context, () => parsed.Invoke(new InvocationConfiguration
        {
            Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
        }));
    }

    /// <summary>Runs an action and turns its exceptions into exit codes.</summary>
    internal static int Guard(CliContext context, Func<int> action)
    {
        try
        {
            return action();
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            return Fail(context, "interrupted.", ExitCodes.Interrupted);
        }
        catch (AggregateException several) when (several.InnerExceptions.All(inner => inner is OperationCanceledException) && context.Cancellation.IsCancellationRequested)
        {
            return Fail(context, "interrupted.", ExitCodes.Interrupted);
        }
        catch (Exception problem) when (problem is BadInputException or FileFormatException or ArgumentException or FileNotFoundException or DirectoryNotFoundException)
        {
            return Fail(context, PlainMessage.Of(problem), ExitCodes.BadInput);
        }
        catch (Exception problem)
        {
            return Fail(context, $"{problem.GetType().Name}: {problem.Message}", ExitCodes.Failure);
        }
    }

    private static RootCommand CreateRoot(CliContext context)
    {
        var root = new RootCommand("One-bit attention: classify photographs, evaluate models, time kernels.")
        {
            DoctorCommand.Create(context),
            ClassifyCommand.Create(context),
            EvaluateCommand.Create(context),
            CompareCommand.Create(context),
            CalibrateCommand.Create(context),
            TrainCommand.Create(context),
            ReportCommand.Create(context),
            BenchCommand.Create(context),
            InspectCommand.Create(context),
            ConvertCommand.Create(context),
        };
        root.SetAction(_ => root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = context.Output, Error = context.Error }));
        ExampleHelpAction.Attach(root, "Start with 'binattn doctor', or 'binattn classify samples/photos/chelsea.png'.");
        return root;
    }

    private static string CommandPath(ParseResult parsed)
    {
        List<string> names = [];
        for (System.CommandLine.Parsing.SymbolResult? result = parsed.CommandResult; result is not null; result = result.Parent)
        {
            if (result is System.CommandLine.Parsing.CommandResult { Command: { } command })
            {
                names.Insert(0, command is RootCommand ? "binattn" : command.Name);
            }
        }

        return string.Join(' ', names);
    }

    private static int Fail(CliContext context, string message, int exitCode)
    {
        context.Report(message);
        return exitCode;
    }
}
