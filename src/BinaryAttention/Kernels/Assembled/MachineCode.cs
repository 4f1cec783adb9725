// One sealed piece of generated code, callable for the rest of the process.
namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class MachineCode
{
    private readonly delegate* unmanaged<KernelArguments*, void> _entry;
    private readonly delegate* unmanaged<ItemArguments*, void> _itemEntry;
    private readonly delegate* unmanaged[SuppressGCTransition]<KernelArguments*, void> _shortEntry;
    private readonly int _shortBlocks;
    private readonly int _length;

    private MachineCode(string name, byte[] bytes, int shortBlocks)
    {
        Name = name;
        _length = bytes.Length;
        _shortBlocks = shortBlocks;
        void* memory = ExecutableMemory.Seal(bytes);
        _entry = (delegate* unmanaged<KernelArguments*, void>)memory;
        _shortEntry = (delegate* unmanaged[SuppressGCTransition]<KernelArguments*, void>)memory;
        _itemEntry = (delegate* unmanaged<ItemArguments*, void>)memory;
        Address = (nuint)memory;
    }

    public string Name { get; }

    /// <summary>The sealed code, for listings and checks.</summary>
    public ReadOnlySpan<byte> Bytes => new((void*)Address, _length);

    public nuint Address { get; }

    /// <summary>Seals code and tells those who want to know of it.</summary>
    /// <param name="name">Its name in listings and profiles.</param>
    /// <param name="bytes">The code.</param>
    /// <param name="shortBlocks">Blocks of keys below which a call takes less than about a microsecond.</param>
    public static MachineCode Make(string name, byte[] bytes, int shortBlocks = 0)
    {
        var code = new MachineCode(name, bytes, shortBlocks);
        Listing.Write(code);
        PerfMap.Write(code);
        return code;
    }

    // SAFETY: the code reads and writes what the arguments point to and nothing else, calls nothing and cannot throw; its bounds follow from FullBlocks and TailGranules, which callers
    // derive from the buffers' own sizes.
    // Short runs skip the transition that lets the collector work meanwhile: it costs as much as some tens of keys.
    public void Run(KernelArguments* arguments)
    {
        if (arguments->FullBlocks < _shortBlocks)
        {
            _shortEntry(arguments);
        }
        else
        {
            _entry(arguments);
        }
    }

    /// <summary>Runs a kernel that was made for whole work items.</summary>
    public void Run(ItemArguments* arguments) => _itemEntry(arguments);
}
