// The text of a library's exception as a user of the command line can follow it: without the names of parameters that an ArgumentException appends and without
// remedies that only code can apply.
using System.Text.RegularExpressions;

namespace BinaryAttention.Cli;

internal static partial class PlainMessage
{
    private const string FixedLimit = "This program's limit is fixed; use a smaller file.";

    public static string Of(Exception exception)
    {
        string message = exception is ArgumentException ? ParameterTail().Replace(exception.Message, string.Empty) : exception.Message;
        return CodeRemedy().Replace(InnerParameter().Replace(message, string.Empty), FixedLimit);
    }

    [GeneratedRegex(@"\s*\(Parameter '[^']*'\)(\s*Actual value was .*)?\s*$", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ParameterTail();

    // Carried inside the message of another exception.
    [GeneratedRegex(@"\s*\(Parameter '[A-Za-z]+'\)", RegexOptions.None, 1000)]
    private static partial Regex InnerParameter();

    [GeneratedRegex(@"Raise (Image|Checkpoint)Limits(\.\w+)? to read it\.|ImageLimits\.\w+ sets the limit\.", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CodeRemedy();
}
