using System.CommandLine;
using BinaryAttention.Cli.Console;

namespace BinaryAttention.Cli.Commands;

/// <summary><c>bench</c>: the group of timing commands.</summary>
internal static class BenchCommand
{
    public static Command Create(CliContext context)
    {
        var command = new Command("bench", "Time kernels, layers and models on this machine.")
        {
            BenchAttentionCommand.Create(context), BenchLinearCommand.Create(context), BenchModelCommand.Create(context), BenchTrainCommand.Create(context), BenchGpuCommand.Create(context), BenchPageCommand.Create(context),
        };
        ExampleHelpAction.Examples(command, "binattn bench attention --shape 1x3x197x64", "binattn bench gpu --json");
        return command;
    }
}
