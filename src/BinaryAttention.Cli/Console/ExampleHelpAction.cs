// The generated help, followed by examples that can be copied.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace BinaryAttention.Cli.Console;

internal sealed class ExampleHelpAction(HelpAction inner, string closing) : SynchronousCommandLineAction
{
    /// <summary>Adds text below the help of one command.</summary>
    public static void Attach(Command command, string closing)
    {
        // The root brings its own help option, which also serves subcommands; those get one of their own so that each shows its own examples.
        HelpOption? option = command.Options.OfType<HelpOption>().FirstOrDefault();
        if (option is null)
        {
            option = new HelpOption();
            command.Options.Add(option);
        }

        option.Action = new ExampleHelpAction(new HelpAction { MaxWidth = 120 }, closing);
    }

    public static void Examples(Command command, params ReadOnlySpan<string> examples) =>
        Attach(command, $"Examples:{Environment.NewLine}  {string.Join($"{Environment.NewLine}  ", examples!)}");

    public override int Invoke(ParseResult parseResult)
    {
        int result = inner.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(closing);
        return result;
    }
}
