namespace TestKit.Ptx;

/// <summary>A parsed module with one entry.</summary>
public sealed class PtxKernel
{
    internal PtxKernel(string name, IReadOnlyList<int> parameterBytes, int threads, int staticSharedBytes, bool hasDynamicShared, int registers, IReadOnlyList<PtxInstruction> instructions)
    {
        Name = name;
        ParameterBytes = parameterBytes;
        Threads = threads;
        StaticSharedBytes = staticSharedBytes;
        HasDynamicShared = hasDynamicShared;
        Registers = registers;
        Instructions = instructions;
    }

    public string Name { get; }

    /// <summary>Size of each parameter.</summary>
    public IReadOnlyList<int> ParameterBytes { get; }

    public int Threads { get; }

    public int StaticSharedBytes { get; }

    public bool HasDynamicShared { get; }

    public int InstructionCount => Instructions.Count;

    internal int Registers { get; }

    internal IReadOnlyList<PtxInstruction> Instructions { get; }
}
