namespace TestKit.Ptx;

/// <summary>A parsed module with one entry.</summary>
public sealed class PtxKernel
{
    internal PtxKernel(string name, int target, IReadOnlyList<int> parameterBytes, int threads, int staticSharedBytes, bool hasDynamicShared, int registers, IReadOnlyList<PtxInstruction> instructions)
    {
        Name = name;
        Target = target;
        ParameterBytes = parameterBytes;
        Threads = threads;
        StaticSharedBytes = staticSharedBytes;
        HasDynamicShared = hasDynamicShared;
        Registers = registers;
        Instructions = instructions;
    }

    public string Name { get; }

    /// <summary>The architecture it is written for, 80 for sm_80.</summary>
    public int Target { get; }

    /// <summary>Why a device cannot run it, or null: an older architecture than the text's, or one-bit products where there are none (taken to be so from 10.0 on).</summary>
    /// <param name="computeCapability">80 for sm_80.</param>
    public string? WhyNot(int computeCapability) =>
        computeCapability < Target ? $"{Name} is written for sm_{Target}; the device is sm_{computeCapability}"
        : computeCapability >= 100 && Instructions.Any(static instruction => instruction.Class == PtxInstructionClass.BitProduct) ? $"{Name} multiplies one-bit matrices, which sm_{computeCapability} has none of"
        : computeCapability >= 90 && Instructions.Any(static instruction => instruction.Text.Contains(".xor.popc", StringComparison.Ordinal)) ? $"{Name} uses the xor form, which sm_{computeCapability} has not"
        : null;

    /// <summary>Size of each parameter.</summary>
    public IReadOnlyList<int> ParameterBytes { get; }

    public int Threads { get; }

    public int StaticSharedBytes { get; }

    public bool HasDynamicShared { get; }

    public int InstructionCount => Instructions.Count;

    internal int Registers { get; }

    internal IReadOnlyList<PtxInstruction> Instructions { get; }
}
