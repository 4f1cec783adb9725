// The state of 32 lanes in lockstep: registers (64 bits each, whatever their class), which of them hold a value, and the asynchronous copies under way.
using System.Numerics;

namespace TestKit.Ptx;

internal sealed class PtxWarp(int registers, int firstThread, int firstGlobalThread, PtxSharedMemory shared, PtxGlobalMemory global, (uint X, uint Y, uint Z) block)
{
    public const uint AllLanes = uint.MaxValue;
    private readonly ulong[] _values = new ulong[registers * 32];
    private readonly uint[] _initialised = new uint[registers];
    private readonly List<(int Thread, uint Address, byte[] Data)> _open = [];
    private readonly Queue<List<(int Thread, uint Address, byte[] Data)>> _groups = [];

    public required ulong[] Parameters { get; init; }

    public int Position { get; set; }

    /// <summary>Instructions that the warp has run: its clock.</summary>
    public long Clock { get; set; }

    public bool IsAtBarrier { get; set; }

    public bool HasEnded { get; private set; }

    public PtxSharedMemory Shared { get; } = shared;

    public PtxGlobalMemory Global { get; } = global;

    public (uint X, uint Y, uint Z) Block { get; } = block;

    public int Thread(int lane) => firstThread + lane;

    public int GlobalThread(int lane) => firstGlobalThread + lane;

    public ulong this[int register, int lane] => _values[(register * 32) + lane];

    public void Set(int register, int lane, ulong value)
    {
        _values[(register * 32) + lane] = value;
        _initialised[register] |= 1u << lane;
    }

    public void RequireValue(int register, uint lanes, PtxInstruction instruction)
    {
        uint missing = lanes & ~_initialised[register];
        if (missing != 0)
        {
            throw new PtxFaultException($"{instruction.Where}: reads {instruction.NameOf(register)} in lane {BitOperations.TrailingZeroCount(missing)}, where it has no value.");
        }
    }

    /// <summary>The source is read now, the destination changes when a wait asks for it: as late as the machine may do it.</summary>
    public void StartCopy(int lane, uint sharedAddress, ulong globalAddress, int bytes, string where)
    {
        byte[] data = Global.Read(globalAddress, bytes, GlobalThread(lane), where).ToArray();
        Shared.StartCopy(sharedAddress, bytes, Thread(lane), where);
        _open.Add((Thread(lane), sharedAddress, data));
    }

    public void CommitCopies()
    {
        _groups.Enqueue([.. _open]);
        _open.Clear();
    }

    public void WaitCopies(int unfinished)
    {
        while (_groups.Count > unfinished)
        {
            foreach ((int thread, uint address, byte[] data) in _groups.Dequeue())
            {
                Shared.FinishCopy(address, data, thread);
            }
        }
    }

    public void End(PtxInstruction instruction)
    {
        if (_open.Count != 0 || _groups.Any(static group => group.Count != 0))
        {
            throw new PtxFaultException($"{instruction.Where}: ends with unfinished asynchronous copies.");
        }

        HasEnded = true;
    }
}
