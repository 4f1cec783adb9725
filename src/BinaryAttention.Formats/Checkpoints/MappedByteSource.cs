using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// A file mapped read-only into memory. The pointer is acquired once and given back by Dispose: a forgotten Dispose leaks the mapping
/// instead of letting the garbage collector pull it from under a span.
/// </summary>
internal sealed unsafe class MappedByteSource : ByteSource
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _handle;
    private readonly byte* _start;
    private int _isReleased;

    private MappedByteSource(FileStream stream, long length)
    {
        Length = length;
        _file = MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        // SAFETY: the view starts at file offset 0 and has `length` bytes, so every offset below Length stays inside it (Slice checks).
        _handle = _view.SafeMemoryMappedViewHandle;
        byte* start = null;
        _handle.AcquirePointer(ref start);
        _start = start + _view.PointerOffset;
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <summary>Maps a file. An empty one cannot be mapped and comes back as empty memory.</summary>
    /// <exception cref="IOException">The file cannot be opened or mapped.</exception>
    public static ByteSource Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        try
        {
            long length = stream.Length;
            if (length == 0)
            {
                stream.Dispose();
                return new MemoryByteSource(default);
            }

            return new MappedByteSource(stream, length);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Enter()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, typeof(TensorFile));
        bool isAdded = false;
        _handle.DangerousAddRef(ref isAdded);
    }

    /// <inheritdoc/>
    public override void Exit() => _handle.DangerousRelease();

    // SAFETY: offset and count lie inside the view; it stays mapped until DisposeCore ran and the last Enter has its Exit.
    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> SliceCore(long offset, int count) => new(_start + offset, count);

    /// <inheritdoc/>
    protected override void DisposeCore()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0)
        {
            _handle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
