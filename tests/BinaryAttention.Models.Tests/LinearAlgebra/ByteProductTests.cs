// The generated inner kernel of the 8-bit layers: its integers against plain loops, and its code decoded again.
using BinaryAttention.Kernels.Assembled.Products;
using Iced.Intel;
using Xunit;

namespace BinaryAttention.Models.Tests.LinearAlgebra;

public sealed unsafe class ByteProductTests
{
    private static readonly HashSet<CpuidFeature> Declared = [CpuidFeature.INTEL8086, CpuidFeature.INTEL386, CpuidFeature.X64, CpuidFeature.AVX, CpuidFeature.AVX512F, CpuidFeature.AVX512VL, CpuidFeature.AVX512_VNNI];
    private static readonly HashSet<Register> Bases = [Register.RBX, Register.R8, Register.R9, Register.RDX, Register.RSP];

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(208)]
    [InlineData(3072)]
    public void Sums_AreThoseOfPlainLoops(int rowBytes)
    {
        Assert.SkipUnless(ByteProduct.WhyNot is null, ByteProduct.WhyNot ?? string.Empty);
        const int rows = ByteProductEmitter.TileRows, columns = ByteProductEmitter.Columns;
        var random = new Random(rowBytes);
        byte[] x = new byte[rows * rowBytes], panel = new byte[rowBytes * columns];
        random.NextBytes(x);
        random.NextBytes(panel);
        int[] sums = new int[rows * columns];

        // SAFETY: the arrays have the sizes that the kernel reads and writes.
        fixed (byte* left = x, right = panel)
        fixed (int* result = sums)
        {
            ByteProduct.Multiply(left, rowBytes, (sbyte*)right, result);
        }

        for (int i = 0; i < sums.Length; i++)
        {
            int expected = 0;
            for (int k = 0; k < rowBytes; k++)
            {
                expected += x[(i / columns * rowBytes) + k] * (sbyte)panel[(k / 4 * 4 * columns) + (i % columns * 4) + (k % 4)];
            }

            Assert.Equal(expected, sums[i]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryInstruction_IsDeclared_AndReachesMemoryThroughKnownRegisters(bool isWindows)
    {
        var factory = new InstructionInfoFactory();
        foreach (Instruction instruction in Decode(isWindows))
        {
            Assert.NotEqual(Code.INVALID, instruction.Code);
            Assert.All(instruction.CpuidFeatures, feature => Assert.True(Declared.Contains(feature), $"{instruction} needs {feature}"));
            Assert.False(instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall or FlowControl.IndirectBranch or FlowControl.Interrupt, instruction.ToString());
            if (instruction.Mnemonic != Mnemonic.Lea)
            {
                Assert.All(factory.GetInfo(instruction).GetUsedMemory(), memory => Assert.Contains(memory.Base, Bases));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SavedRegisters_AreRestored_AndTheStackIsLevel(bool isWindows)
    {
        HashSet<Register> callee = [Register.RBX, Register.RBP, Register.R12, Register.R13, Register.R14, Register.R15, .. isWindows ? [Register.RDI, Register.RSI] : Array.Empty<Register>()];
        List<Instruction> code = Decode(isWindows);
        var factory = new InstructionInfoFactory();
        int depth = 0, pushes = 0;
        HashSet<Register> stored = [], restored = [];
        foreach (Instruction instruction in code)
        {
            switch (instruction.Mnemonic)
            {
                case Mnemonic.Push:
                    Assert.Equal(Register.RBX, instruction.Op0Register);
                    pushes++;
                    continue;
                case Mnemonic.Pop:
                    Assert.Equal(Register.RBX, instruction.Op0Register);
                    pushes--;
                    continue;
                case Mnemonic.Sub or Mnemonic.Add when instruction.Op0Register == Register.RSP:
                    depth += instruction.Mnemonic == Mnemonic.Sub ? (int)instruction.GetImmediate(1) : -(int)instruction.GetImmediate(1);
                    continue;
                case Mnemonic.Vmovdqu64 when instruction.MemoryBase == Register.RSP && instruction.Op0Kind == OpKind.Memory:
                    stored.Add(instruction.Op1Register);
                    continue;
                case Mnemonic.Vmovdqu64 when instruction.MemoryBase == Register.RSP:
                    restored.Add(instruction.Op0Register);
                    continue;
                default:
                    Assert.All(factory.GetInfo(instruction).GetUsedRegisters().Where(used => used.Access is OpAccess.Write or OpAccess.ReadWrite), used => Assert.True(used.Register == Register.RBX || !callee.Contains(used.Register.GetFullRegister()), instruction.ToString()));
                    continue;
            }
        }

        Assert.Equal((0, 0), (depth, pushes));
        Assert.Equal(stored, restored);
        Assert.Equal(isWindows ? 10 : 0, stored.Count);
        Assert.Equal(Mnemonic.Ret, code[^1].Mnemonic);
        Assert.Contains(code, static instruction => instruction.Mnemonic == Mnemonic.Vzeroupper);
    }

    private static List<Instruction> Decode(bool isWindows)
    {
        byte[] bytes = ByteProduct.Assemble(isWindows);
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(bytes));
        List<Instruction> code = [];
        while (decoder.IP < (ulong)bytes.Length)
        {
            code.Add(decoder.Decode());
        }

        return code;
    }
}
