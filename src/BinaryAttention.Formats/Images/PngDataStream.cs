namespace BinaryAttention.Formats.Images;

/// <summary>
/// The compressed image data as a stream that fails when it is read past its end. <see cref="System.IO.Compression.ZLibStream"/> takes an end of input for an end of
/// data and would let a stream without its last bytes, checksum included, pass as complete; it asks for more only while the zlib stream is unfinished.
/// </summary>
internal sealed class PngDataStream(byte[] data) : Stream
{
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (_position == data.Length && buffer.Length > 0)
        {
            throw new EndOfStreamException("the zlib stream is incomplete.");
        }

        int count = Math.Min(buffer.Length, data.Length - _position);
        data.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
