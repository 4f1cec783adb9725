// This project's tests in a child process. Children start no children (ContractCases.ChildVariable).
using BinaryAttention.Tests.Contract;
using TestKit;
using Xunit;

namespace BinaryAttention.Tests.Processes;

internal static class ChildProcess
{
    /// <summary>Runs the tests that the filter selects.</summary>
    /// <param name="environment">Variables of the child beside this process's own.</param>
    /// <param name="filter">Arguments that select tests.</param>
    /// <returns>Exit code and everything the child wrote.</returns>
    public static (int ExitCode, string Output) Run(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter)
    {
        Assert.SkipWhen(ContractCases.IsChild, "children start no children");
        return ChildProgram.Run(typeof(ChildProcess).Assembly, new Dictionary<string, string>(environment, StringComparer.Ordinal) { [ContractCases.ChildVariable] = "1" }, filter);
    }

    /// <summary>Runs the tests that the filter selects and asserts that some ran and none failed.</summary>
    public static void Passes(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> filter) => Assert.Null(ChildProgram.Failure(Run(environment, filter)));
}
