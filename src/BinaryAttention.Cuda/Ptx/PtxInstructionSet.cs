// The plain instructions that kernels may use, by full mnemonic, with one letter per operand. Capital: the result.
// What follows a colon tells two uses of one mnemonic apart and is not printed.
//   h b16, r b32, d b64, f f32, g f64, p predicate, i immediate only.
// Source (names, operand types): PTX ISA, chapter "Instruction Set". Loads, stores and matrix instructions have vector operands and methods of their own.
using System.Collections.Frozen;

namespace BinaryAttention.Cuda.Ptx;

internal static class PtxInstructionSet
{
    private static readonly FrozenDictionary<string, string> s_signatures = Build().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Operand letters of an instruction, or null for an unknown one.</summary>
    public static string? Signature(string mnemonic) => s_signatures.GetValueOrDefault(mnemonic);

    /// <summary>The oldest architecture that anything is written for: 75 for sm_75.</summary>
    public const int LowestTarget = 75;

    /// <summary>The oldest architecture that has an instruction (PTX ISA, "Target ISA Notes").</summary>
    public static int TargetOf(string mnemonic) =>
        mnemonic.StartsWith("cp.async.", StringComparison.Ordinal) || mnemonic.Contains(".m16n8k", StringComparison.Ordinal) || mnemonic == "cvt.rn.bf16.f32" ? 80 : LowestTarget;

    public static PtxClass ClassOf(char letter) => char.ToLowerInvariant(letter) switch
    {
        'h' => PtxClass.B16,
        'r' => PtxClass.B32,
        'd' => PtxClass.B64,
        'f' => PtxClass.F32,
        'g' => PtxClass.F64,
        'p' => PtxClass.Predicate,
        _ => PtxClass.None,
    };

    private static Dictionary<string, string> Build()
    {
        var set = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(set, "Rrr", "add.s32 sub.s32 mul.lo.s32 min.s32 max.s32 min.u32 max.u32 and.b32 or.b32 xor.b32 shl.b32 shr.u32 shr.s32 div.u32 rem.u32");
        Add(set, "Ddd", "add.s64 sub.s64 mul.lo.s64 and.b64 or.b64");
        Add(set, "Ddr", "shl.b64 shr.s64");
        Add(set, "Drr", "mul.wide.u32 mul.wide.s32");
        Add(set, "Drrd", "mad.wide.s32");
        Add(set, "Rrrr", "mad.lo.s32 prmt.b32 dp4a.u32.u32 dp4a.s32.s32");
        Add(set, "Rr", "not.b32 mov.b32");
        Add(set, "Dd", "mov.b64 cvta.to.global.u64");
        Add(set, "Ff", "mov.f32 abs.f32 rcp.rn.f32 ex2.approx.f32");
        Add(set, "Gg", "mov.f64 abs.f64 cvt.rni.f64.f64");
        Add(set, "Fff", "add.rn.f32 sub.rn.f32 mul.rn.f32 div.rn.f32 max.f32");
        Add(set, "Ffff", "fma.rn.f32");
        Add(set, "Ggg", "add.rn.f64 sub.rn.f64 mul.rn.f64 div.rn.f64 max.f64");
        Add(set, "Prr", "setp.eq.s32 setp.ne.s32 setp.lt.s32 setp.le.s32 setp.gt.s32 setp.ge.s32 setp.lt.u32 setp.ge.u32 setp.eq.b32");
        Add(set, "Pff", "setp.eq.f32 setp.ge.f32 setp.gt.f32 setp.lt.f32");
        Add(set, "Pgg", "setp.eq.f64 setp.lt.f64 setp.gt.f64");
        Add(set, "Ppp", "and.pred or.pred");
        Add(set, "Pp", "not.pred");
        Add(set, "Rrrp", "selp.b32");
        Add(set, "Fffp", "selp.f32");
        Add(set, "Gggp", "selp.f64");
        Add(set, "Dddp", "selp.b64");
        Add(set, "Fr", "cvt.rn.f32.s32 mov.b32:float");
        Add(set, "Fd", "cvt.rn.f32.s64");
        Add(set, "Fg", "cvt.rn.f32.f64");
        Add(set, "Fh", "cvt.f32.f16");
        Add(set, "Hf", "cvt.rn.f16.f32 cvt.rn.bf16.f32");
        Add(set, "Gf", "cvt.f64.f32");
        Add(set, "Gr", "cvt.rn.f64.s32 cvt.rn.f64.u32");
        Add(set, "Rg", "cvt.rni.s32.f64");
        Add(set, "Rf", "cvt.rni.s32.f32 mov.b32:bits");
        Add(set, "Dr", "cvt.u64.u32 cvt.s64.s32");
        Add(set, "Rd", "cvt.u32.u64");
        Add(set, "Dg", "mov.b64:bits");
        Add(set, "Gd", "mov.b64:double");
        Add(set, "Rriii", "shfl.sync.bfly.b32 shfl.sync.idx.b32");
        Add(set, "Rpi", "vote.sync.ballot.b32");
        return set;
    }

    private static void Add(Dictionary<string, string> set, string signature, string mnemonics)
    {
        foreach (string mnemonic in mnemonics.Split(' '))
        {
            set.Add(mnemonic, signature);
        }
    }
}
