// Every mixture of instruction sets that the portable kernel can be put together from, in one process: table mode gives the reference's bits, floats obey the tolerance rule.
// Flags can only be switched off, so a machine runs the compositions that it supports.
using System.Collections.Concurrent;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Simd;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class CompositionTests
{
    private static readonly Dictionary<string, (CpuFeatures Needed, CpuFeatures Used)> Compositions = Make();

    // What all compositions are compared with is computed once.
    private static readonly ConcurrentDictionary<AttentionCase, AttentionResult> Bitwise = new();
    private static readonly ConcurrentDictionary<(AttentionCase Case, bool IsBinary), (AttentionResult Expected, AttentionResult Plain)> Floats = new();

    public static TheoryData<string> Names() => [.. Compositions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TableMode_GivesTheReferencesBits(string composition)
    {
        CpuFeatures cpu = Require(composition);
        foreach (AttentionCase attentionCase in ContractCases.TableMode)
        {
            AttentionResult expected = Bitwise.GetOrAdd(attentionCase, static c => CaseRunner.Binary(c, ContractCases.Reference));
            AttentionResult actual = CaseRunner.Direct(attentionCase, isBinary: true, specification => SimdComposition.CreateBinary(specification, cpu));
            Named(attentionCase, () => Bits.Equal(expected, actual));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Floats_ObeyTheToleranceRule(string composition)
    {
        CpuFeatures cpu = Require(composition);
        foreach (AttentionCase attentionCase in ContractCases.Full.Where((_, index) => index % 3 == 0))
        {
            Check(attentionCase, isBinary: true, specification => SimdComposition.CreateBinary(specification, cpu));
            Check(attentionCase, isBinary: false, specification => SimdComposition.CreateExact(specification, cpu));
        }
    }

    // With the same float lanes the integer half of log mode does not depend on the composition either.
    [Theory]
    [MemberData(nameof(Names))]
    public void LogMode_GivesTheSameBitsForTheSameFloatLanes(string composition)
    {
        CpuFeatures cpu = Require(composition);
        CpuFeatures sameFloats = CpuFeatures.Current with { Vector512 = cpu.Vector512 && cpu.Avx512BW && cpu.Vector512, Avx2 = cpu.Avx2, Fma = cpu.Fma };
        if (!cpu.Avx512BW)
        {
            sameFloats = sameFloats with { Vector512 = false };
        }

        foreach (AttentionCase attentionCase in ContractCases.LogMode.Where((_, index) => index % 3 == 0))
        {
            AttentionResult expected = CaseRunner.Direct(attentionCase, isBinary: true, specification => SimdComposition.CreateBinary(specification, sameFloats));
            AttentionResult actual = CaseRunner.Direct(attentionCase, isBinary: true, specification => SimdComposition.CreateBinary(specification, cpu));
            Named(attentionCase, () => Bits.Equal(expected, actual));
        }
    }

    private static void Check(AttentionCase attentionCase, bool isBinary, Func<AttentionSpecification, KernelRun> create)
    {
        (AttentionResult expected, AttentionResult plain) = Floats.GetOrAdd((attentionCase, isBinary), static key =>
        {
            AttentionResult reference = key.IsBinary ? CaseRunner.Binary(key.Case, ContractCases.Reference) : CaseRunner.Exact(key.Case, ContractCases.Reference);
            return (reference, PlainFloatAttention.Run(key.Case, key.Case.MakeOperands(), key.IsBinary, reference));
        });
        AttentionResult actual = CaseRunner.Direct(attentionCase, isBinary, create);
        Named(attentionCase, () =>
        {
            Assert.Null(Tolerance.Violation("output", expected.Output, plain.Output, actual.Output));
            Assert.Null(Tolerance.Violation("logSumExp", expected.LogSumExp, plain.LogSumExp, actual.LogSumExp));
        });
    }

    private static void Named(AttentionCase attentionCase, Action check)
    {
        try
        {
            check();
        }
        catch (Xunit.Sdk.XunitException failure)
        {
            Assert.Fail($"{attentionCase}: {failure.Message}");
        }
    }

    private static CpuFeatures Require(string composition)
    {
        Assert.SkipUnless(CpuFeatures.Current.Vector128, "128-bit vectors are switched off");
        (CpuFeatures needed, CpuFeatures used) = Compositions[composition];
        CpuFeatures current = CpuFeatures.Current;
        bool runs = (!needed.Avx512Vbmi || current.Avx512Vbmi) && (!needed.Avx512BW || current.Avx512BW) && (!needed.AvxVnni || current.AvxVnni)
            && (!needed.Avx2 || current.Avx2) && (!needed.Fma || current.Fma);
        Assert.SkipUnless(runs, $"this machine has {string.Join(", ", current.Names)}");
        return used;
    }

    private static Dictionary<string, (CpuFeatures Needed, CpuFeatures Used)> Make()
    {
        CpuFeatures none = new() { Avx512Vbmi = false, Avx512BW = false, AvxVnni = false, Avx2 = false, Fma = false, Vector512 = false };
        CpuFeatures avx2 = none with { Avx2 = true, Fma = true };
        CpuFeatures avx512 = avx2 with { Avx512BW = true, Vector512 = true };
        var compositions = new Dictionary<string, (CpuFeatures Needed, CpuFeatures Used)>(StringComparer.Ordinal);
        void Add(string name, CpuFeatures used) => compositions.Add(name, (used, used));
        Add("VBMI lookups, VNNI products, 512-bit floats", avx512 with { Avx512Vbmi = true, AvxVnni = true });
        Add("VBMI lookups, 512-bit products, 512-bit floats", avx512 with { Avx512Vbmi = true });
        Add("VBMI lookups, VNNI products, 256-bit floats", avx512 with { Avx512Vbmi = true, AvxVnni = true, Vector512 = false });
        Add("AVX2 lookups, VNNI products, 512-bit floats", avx512 with { AvxVnni = true });
        Add("AVX2 lookups, 512-bit products, 512-bit floats", avx512);
        Add("AVX2 lookups, VNNI products, 256-bit floats", avx2 with { AvxVnni = true });
        Add("AVX2 lookups, AVX2 products, 256-bit floats", avx2);
        Add("AVX2 lookups, AVX2 products, 128-bit floats", avx2 with { Fma = false });
        Add("128-bit everything", none);
        return compositions;
    }
}
