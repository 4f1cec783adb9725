namespace BinaryAttention.Formats;

/// <summary>
/// A file or byte stream does not hold what its format promises, or asks for more than the limits allow.
/// The message names the source, the byte offset where known, what was found and what was expected.
/// </summary>
public sealed class FileFormatException : Exception
{
    /// <summary>Creates the exception; the message is <c>source: problem (at byte offset)</c>.</summary>
    /// <param name="source">The file's path, or a name that tells the reader which bytes are meant.</param>
    /// <param name="problem">What was found, what was expected and, where there is one, the remedy.</param>
    /// <param name="byteOffset">Offset of the offending byte from the start of the source, or -1 if it has none.</param>
    /// <param name="innerException">The underlying failure, if any.</param>
    public FileFormatException(string source, string problem, long byteOffset = -1, Exception? innerException = null)
        : base(byteOffset < 0 ? $"{source}: {problem}" : $"{source}: {problem} (at byte {byteOffset})", innerException)
    {
        SourceName = source;
        ByteOffset = byteOffset;
    }

    /// <summary>The file's path or the name of the byte source.</summary>
    public string SourceName { get; }

    /// <summary>Offset of the offending byte from the start of the source, or -1.</summary>
    public long ByteOffset { get; }
}
