// One allocation of simulated device memory with what is known about each byte: whether it was ever written, and which thread wrote it in the current launch.
namespace TestKit.Ptx;

public sealed class PtxGlobalBuffer
{
    private readonly bool[] _isInitialised;
    private readonly (int Launch, int Thread)[] _writers;

    internal PtxGlobalBuffer(string name, ulong address, byte[] data, bool isInitialised, bool isWritable)
    {
        Name = name;
        Address = address;
        Data = data;
        IsWritable = isWritable;
        _isInitialised = new bool[data.Length];
        Array.Fill(_isInitialised, isInitialised);
        _writers = new (int, int)[data.Length];
    }

    public string Name { get; }

    public ulong Address { get; }

    public byte[] Data { get; }

    public bool IsWritable { get; }

    /// <summary>What a copy from the host does.</summary>
    internal void HostWrite(int offset, ReadOnlySpan<byte> source)
    {
        source.CopyTo(Data.AsSpan(offset, source.Length));
        Array.Fill(_isInitialised, true, offset, source.Length);
    }

    internal void NoteRead(int offset, int bytes, int launch, int thread, string where)
    {
        for (int i = offset; i < offset + bytes; i++)
        {
            if (!_isInitialised[i])
            {
                throw new PtxFaultException($"{where}: reads byte {i} of {Name}, which nothing wrote.");
            }

            if (_writers[i].Launch == launch && _writers[i].Thread != thread)
            {
                throw new PtxFaultException($"{where}: thread {thread} reads byte {i} of {Name}, which thread {_writers[i].Thread} wrote in the same launch.");
            }
        }
    }

    internal void NoteWrite(int offset, int bytes, int launch, int thread, string where)
    {
        if (!IsWritable)
        {
            throw new PtxFaultException($"{where}: writes to {Name}, an input.");
        }

        for (int i = offset; i < offset + bytes; i++)
        {
            if (_writers[i].Launch == launch && _writers[i].Thread != thread)
            {
                throw new PtxFaultException($"{where}: thread {thread} writes byte {i} of {Name}, which thread {_writers[i].Thread} wrote in the same launch.");
            }

            _writers[i] = (launch, thread);
            _isInitialised[i] = true;
        }
    }
}
