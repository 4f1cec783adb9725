// One sealed piece of generated code, callable for the rest of the process.
namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class MachineCode
{
    private readonly delegate* unmanaged<KernelArguments*, void> _entry;

    public MachineCode(string name, byte[] bytes)
    {
        Name = name;
        Bytes = bytes;
        void* memory = ExecutableMemory.Seal(bytes);
        _entry = (delegate* unmanaged<KernelArguments*, void>)memory;
        Address = (nuint)memory;
    }

    public string Name { get; }

    /// <summary>The code's bytes, for listings and checks.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public nuint Address { get; }

    // SAFETY: the code reads and writes what the arguments point to and nothing else, calls nothing and cannot throw; its bounds follow from FullBlocks and TailGranules, which callers
    // derive from the buffers' own sizes.
    public void Run(KernelArguments* arguments) => _entry(arguments);
}
