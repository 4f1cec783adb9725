namespace BinaryAttention.Cli;

/// <summary>The user's input cannot be used; the message says what was found, what is expected and how to mend it. Ends with exit code 2.</summary>
internal sealed class BadInputException(string message) : Exception(message);
