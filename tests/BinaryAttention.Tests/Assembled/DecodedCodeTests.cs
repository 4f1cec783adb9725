// Generated code, decoded again: every instruction's processor features are among those that the kernel asks for, saved registers are restored, the stack is level, memory is reached through the
// plan's own registers alone, and nothing is called.
using BinaryAttention.Kernels.Assembled;
using Iced.Intel;
using Xunit;

namespace BinaryAttention.Tests.Assembled;

public sealed class DecodedCodeTests
{
    private static readonly HashSet<CpuidFeature> Declared =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL386, CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.SSE, CpuidFeature.AVX,
        CpuidFeature.AVX512F, CpuidFeature.AVX512BW, CpuidFeature.AVX512VL, CpuidFeature.AVX512_VBMI, CpuidFeature.AVX512_VNNI, CpuidFeature.AVX512_BITALG,
    ];

    private static readonly Register[] SystemVSaved = [Register.RBX, Register.RBP, Register.R12, Register.R13, Register.R14, Register.R15];
    private static readonly Register[] WindowsSaved = [.. SystemVSaved, Register.RDI, Register.RSI];
    private static readonly Register[] Pushed = [Register.RBX, Register.RBP, Register.R12, Register.R13, Register.R14, Register.R15];

    private static readonly Register[] Own = [Register.RAX, Register.RBX, Register.RBP, Register.RCX, Register.RDX, Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15];

    private static readonly KernelStages[] TableStages =
    [
        KernelStages.SignDot, KernelStages.SignDot | KernelStages.Mask, KernelStages.Values, KernelStages.Values | KernelStages.SignDot, KernelStages.Values | KernelStages.TableMap,
        KernelStages.Values | KernelStages.TableMap | KernelStages.SignDot, KernelStages.Values | KernelStages.TableMap | KernelStages.SignDot | KernelStages.Mask,
        KernelStages.Values | KernelStages.FreshSums, KernelStages.Values | KernelStages.TableMap | KernelStages.SignDot | KernelStages.FreshSums,
    ];

    private static readonly KernelStages[] LogStages =
    [
        KernelStages.Logits, KernelStages.Logits | KernelStages.KeyWeights | KernelStages.KeyBias, KernelStages.Logits | KernelStages.PairBias | KernelStages.Mask, KernelStages.Values,
        KernelStages.Values | KernelStages.Exponentials, KernelStages.Values | KernelStages.Exponentials | KernelStages.Logits | KernelStages.KeyWeights | KernelStages.PairBias,
        KernelStages.Values | KernelStages.Exponentials | KernelStages.Logits | KernelStages.PairBias | KernelStages.Prefetch,
        KernelStages.Values | KernelStages.Exponentials | KernelStages.Logits | KernelStages.KeyWeights | KernelStages.KeyBias | KernelStages.FreshSums,
    ];

    public static TheoryData<int, int, bool> Sizes() => new()
    {
        { 1, 8, false }, { 64, 64, false }, { 64, 64, true }, { 65, 40, false }, { 128, 16, false }, { 254, 128, false }, { 96, 32, true },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EveryInstruction_IsDeclared(int dimension, int valueDimension, bool isWindows)
    {
        foreach (KernelSpecification specification in Specifications(dimension, valueDimension))
        {
            foreach (Instruction instruction in Decode(specification, isWindows))
            {
                Assert.True(instruction.Code != Code.INVALID, $"{specification}: an instruction does not decode");
                Assert.All(instruction.CpuidFeatures, feature => Assert.True(Declared.Contains(feature), $"{specification}: {instruction} needs {feature}"));
                Assert.False(instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall or FlowControl.IndirectBranch or FlowControl.Interrupt, $"{specification}: {instruction}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void SavedRegisters_AreRestored_AndTheStackIsLevel(int dimension, int valueDimension, bool isWindows)
    {
        Register[] saved = isWindows ? WindowsSaved : SystemVSaved;
        foreach (KernelSpecification specification in Specifications(dimension, valueDimension))
        {
            List<Instruction> code = Decode(specification, isWindows);
            var factory = new InstructionInfoFactory();
            var pushed = new Stack<Register>();
            var stored = new Dictionary<Register, ulong>();
            var restored = new Dictionary<Register, ulong>();
            int depth = 0;
            foreach (Instruction instruction in code)
            {
                depth += instruction.StackPointerIncrement;
                switch (instruction.Mnemonic)
                {
                    case Mnemonic.Push:
                        pushed.Push(instruction.Op0Register);
                        continue;
                    case Mnemonic.Pop:
                        Assert.Equal(pushed.Pop(), instruction.Op0Register);
                        continue;
                    case Mnemonic.Sub when instruction.Op0Register == Register.RSP:
                        depth -= (int)instruction.GetImmediate(1);
                        continue;
                    case Mnemonic.Add when instruction.Op0Register == Register.RSP:
                        depth += (int)instruction.GetImmediate(1);
                        continue;
                    default:
                        break;
                }

                if (instruction.MemoryBase == Register.RSP && instruction.Op0Kind == OpKind.Memory)
                {
                    stored.Add(instruction.Op1Register, instruction.MemoryDisplacement64);
                }
                else if (instruction.MemoryBase == Register.RSP)
                {
                    restored.Add(instruction.Op0Register, instruction.MemoryDisplacement64);
                }

                foreach (UsedRegister used in factory.GetInfo(instruction).GetUsedRegisters())
                {
                    bool isWritten = used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite;
                    if (isWritten && saved.Contains(used.Register.GetFullRegister()))
                    {
                        Assert.Contains(used.Register.GetFullRegister(), pushed);
                    }

                    if (isWritten && isWindows && used.Register.IsVectorRegister() && used.Register.GetNumber() is >= 6 and <= 15 && instruction.MemoryBase != Register.RSP && instruction.Mnemonic != Mnemonic.Vzeroupper)
                    {
                        Assert.Contains(Register.XMM0 + used.Register.GetNumber(), stored.Keys);
                    }
                }
            }

            // Each from its own place, and no two places overlap.
            Assert.Equal(isWindows ? 10 : 0, stored.Count);
            Assert.Equal(stored.OrderBy(static place => place.Key), restored.OrderBy(static place => place.Key));
            Assert.All(stored.Values.Order().Zip(stored.Values.Order().Skip(1)), static places => Assert.True(places.Second - places.First >= 16));
            Assert.Empty(pushed);
            Assert.Equal(8, depth); // the return address, popped by the return
            Assert.Equal(Mnemonic.Ret, code[^1].Mnemonic);
            Assert.Contains(code, instruction => instruction.Mnemonic == Mnemonic.Vzeroupper);
            Assert.Equal(Pushed.Length, code.Count(instruction => instruction.Mnemonic == Mnemonic.Pop));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Memory_IsReachedThroughTheKernelsOwnRegisters(int dimension, int valueDimension, bool isWindows)
    {
        foreach (KernelSpecification specification in Specifications(dimension, valueDimension))
        {
            foreach (Instruction instruction in Decode(specification, isWindows).Where(static instruction => Enumerable.Range(0, instruction.OpCount).Any(operand => instruction.GetOpKind(operand) == OpKind.Memory)))
            {
                Assert.True(instruction.MemoryBase == Register.RSP || Own.Contains(instruction.MemoryBase), $"{specification}: {instruction}");
                Assert.True(instruction.MemoryIndex == Register.None || Own.Contains(instruction.MemoryIndex), $"{specification}: {instruction}");
                Assert.True(instruction.SegmentPrefix == Register.None && !instruction.IsIPRelativeMemoryOperand, $"{specification}: {instruction}");
            }
        }
    }

    [Fact]
    public void Listing_ShowsBytesAndText()
    {
        string listing = Listing.Disassemble(KernelCache.Assemble(Specifications(64, 64).First(), isWindows: false));
        Assert.Contains("vpopcntb", listing, StringComparison.Ordinal);
        Assert.Contains("ret", listing, StringComparison.Ordinal);
        Assert.StartsWith("000000  53 ", listing, StringComparison.Ordinal);
    }

    private static IEnumerable<KernelSpecification> Specifications(int dimension, int valueDimension)
    {
        int planes = (dimension + 7) / 8;
        foreach (KernelStages stages in TableStages)
        {
            yield return new KernelSpecification(TileShape.For(valueDimension), planes, stages, dimension > AssembledLimits.NarrowDistances);
        }

        for (int granules = 1; granules <= 4 && dimension <= AssembledLimits.NarrowDistances; granules++)
        {
            yield return new KernelSpecification(TileShape.For(valueDimension), planes, KernelStages.WholeItem, WideDistances: false, TailGranules: granules);
        }

        foreach (KernelStages stages in LogStages)
        {
            foreach (int bits in (int[])[FixedPoint.MinFractionBits, FixedPoint.MaxFractionBits])
            {
                yield return new KernelSpecification(TileShape.ForLogits(valueDimension), planes, stages, dimension >= AssembledLimits.NarrowDistances, bits);
            }
        }
    }

    private static List<Instruction> Decode(KernelSpecification specification, bool isWindows)
    {
        byte[] bytes = KernelCache.Assemble(specification, isWindows);
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(bytes));
        List<Instruction> code = [];
        while (decoder.IP < (ulong)bytes.Length)
        {
            code.Add(decoder.Decode());
        }

        return code;
    }
}
