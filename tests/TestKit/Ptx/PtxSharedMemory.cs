// A block's shared memory with what is known about each 32-bit word: whether it holds data, whether an asynchronous copy to it is unfinished, and who wrote and read it since the last
// barrier (the epoch). Two threads that touch a word in one epoch, one of them writing, race: the machine promises no order between them.
namespace TestKit.Ptx;

internal sealed class PtxSharedMemory
{
    private const int Many = -2;
    private const byte Poison = 0xDB;
    private readonly byte[] _data;
    private readonly WordState[] _words;

    public PtxSharedMemory(int bytes)
    {
        _data = new byte[(bytes + 3) / 4 * 4];
        Array.Fill(_data, Poison);
        _words = new WordState[_data.Length / 4];
        Array.Fill(_words, new WordState { WriteEpoch = -1, ReadEpoch = -1 });
    }

    /// <summary>Barriers passed.</summary>
    public int Epoch { get; set; }

    public ReadOnlySpan<byte> Read(uint address, int bytes, int thread, string where)
    {
        Check(address, bytes, where);
        for (uint word = address / 4; word <= (address + (uint)bytes - 1) / 4; word++)
        {
            ref WordState state = ref _words[word];
            if (state.IsPending)
            {
                throw new PtxFaultException($"{where}: thread {thread} reads shared byte {word * 4}, to which an asynchronous copy is unfinished; a wait is missing.");
            }

            if (!state.IsInitialised)
            {
                throw new PtxFaultException($"{where}: thread {thread} reads shared byte {word * 4}, which nothing wrote.");
            }

            if (state.WriteEpoch == Epoch && state.Writer != thread)
            {
                throw new PtxFaultException($"{where}: thread {thread} reads shared byte {word * 4}, which thread {state.Writer} wrote without a barrier between them.");
            }

            state.Reader = state.ReadEpoch == Epoch && state.Reader != thread ? Many : thread;
            state.ReadEpoch = Epoch;
        }

        return _data.AsSpan((int)address, bytes);
    }

    public void Write(uint address, ReadOnlySpan<byte> value, int thread, string where)
    {
        Check(address, value.Length, where);
        for (uint word = address / 4; word <= (address + (uint)value.Length - 1) / 4; word++)
        {
            CheckWrite(word, thread, where);
            ref WordState state = ref _words[word];
            state.IsInitialised = true;
            state.Writer = thread;
            state.WriteEpoch = Epoch;
        }

        value.CopyTo(_data.AsSpan((int)address));
    }

    /// <summary>An asynchronous copy may write from now on.</summary>
    public void StartCopy(uint address, int bytes, int thread, string where)
    {
        Check(address, bytes, where);
        for (uint word = address / 4; word < (address + (uint)bytes) / 4; word++)
        {
            CheckWrite(word, thread, where);
            ref WordState state = ref _words[word];
            state.IsPending = true;
            state.IsInitialised = false;
        }

        _data.AsSpan((int)address, bytes).Fill(Poison);
    }

    /// <summary>The copying thread has waited for it; other threads still need a barrier.</summary>
    public void FinishCopy(uint address, ReadOnlySpan<byte> value, int thread)
    {
        for (uint word = address / 4; word < (address + (uint)value.Length) / 4; word++)
        {
            _words[word] = _words[word] with { IsPending = false, IsInitialised = true, Writer = thread, WriteEpoch = Epoch };
        }

        value.CopyTo(_data.AsSpan((int)address));
    }

    private void CheckWrite(uint word, int thread, string where)
    {
        WordState state = _words[word];
        if (state.IsPending)
        {
            throw new PtxFaultException($"{where}: thread {thread} writes shared byte {word * 4}, to which an asynchronous copy is unfinished.");
        }

        if (state.WriteEpoch == Epoch && state.Writer != thread)
        {
            throw new PtxFaultException($"{where}: threads {state.Writer} and {thread} write shared byte {word * 4} without a barrier between them.");
        }

        if (state.ReadEpoch == Epoch && state.Reader != thread)
        {
            string reader = state.Reader == Many ? "several threads" : $"thread {state.Reader}";
            throw new PtxFaultException($"{where}: thread {thread} writes shared byte {word * 4}, which {reader} read without a barrier between them.");
        }
    }

    private void Check(uint address, int bytes, string where)
    {
        if (address % (uint)bytes != 0)
        {
            throw new PtxFaultException($"{where}: shared address {address} is not aligned to {bytes}.");
        }

        if (address + (ulong)bytes > (ulong)_data.Length)
        {
            throw new PtxFaultException($"{where}: shared bytes {address} .. {address + (ulong)bytes - 1} lie beyond the block's {_data.Length}.");
        }
    }

    private record struct WordState
    {
        public bool IsInitialised { get; set; }

        public bool IsPending { get; set; }

        public int Writer { get; set; }

        public int WriteEpoch { get; set; }

        public int Reader { get; set; }

        public int ReadEpoch { get; set; }
    }
}
