// One sealed piece of generated code, callable for the rest of the process.
namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class MachineCode
{
    // Sixteen blocks are 1024 keys, below a microsecond.
    private const int ShortBlocks = 16;

    private readonly delegate* unmanaged<KernelArguments*, void> _entry;
    private readonly delegate* unmanaged<ItemArguments*, void> _itemEntry;
    private readonly delegate* unmanaged[SuppressGCTransition]<KernelArguments*, void> _shortEntry;

    public MachineCode(string name, byte[] bytes)
    {
        Name = name;
        Bytes = bytes;
        void* memory = ExecutableMemory.Seal(bytes);
        _entry = (delegate* unmanaged<KernelArguments*, void>)memory;
        _shortEntry = (delegate* unmanaged[SuppressGCTransition]<KernelArguments*, void>)memory;
        _itemEntry = (delegate* unmanaged<ItemArguments*, void>)memory;
        Address = (nuint)memory;
    }

    public string Name { get; }

    /// <summary>The code's bytes, for listings and checks.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public nuint Address { get; }

    // SAFETY: the code reads and writes what the arguments point to and nothing else, calls nothing and cannot throw; its bounds follow from FullBlocks and TailGranules, which callers
    // derive from the buffers' own sizes.
    // Short runs skip the transition that lets the collector work meanwhile: it costs as much as some tens of keys.
    public void Run(KernelArguments* arguments)
    {
        if (arguments->FullBlocks < ShortBlocks)
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
