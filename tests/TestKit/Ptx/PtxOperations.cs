// What every lane-wise instruction computes, by full mnemonic; anything else is refused. Written from the PTX ISA's descriptions, independently of the emitter's table.
namespace TestKit.Ptx;

internal static class PtxOperations
{
    private static readonly Dictionary<string, PtxOperation> s_operations = Build();

    public static PtxOperation? Find(string mnemonic) => s_operations.GetValueOrDefault(mnemonic);

    public static float Single(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    public static double Double(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    /// <summary>Bytes of (b:a) by four selectors; the top bit of a selector spreads the byte's sign.</summary>
    public static uint Permute(uint a, uint b, uint selector)
    {
        ulong bytes = ((ulong)b << 32) | a;
        uint result = 0;
        for (int i = 0; i < 4; i++)
        {
            uint choice = (selector >> (4 * i)) & 15;
            uint value = (uint)(bytes >> (int)(8 * (choice & 7))) & 0xFF;
            if ((choice & 8) != 0)
            {
                value = (value & 0x80) != 0 ? 0xFFu : 0;
            }

            result |= value << (8 * i);
        }

        return result;
    }

    private static Dictionary<string, PtxOperation> Build()
    {
        var set = new Dictionary<string, PtxOperation>(StringComparer.Ordinal);
        AddIntegers(set);
        AddFloats(set);
        AddConversions(set);
        AddPredicates(set);
        return set;
    }

    private static void AddIntegers(Dictionary<string, PtxOperation> set)
    {
        void Word(string mnemonic, Func<uint, uint, uint> compute) => set.Add(mnemonic, new("rrr", PtxInstructionClass.Integer, (a, b, _) => compute((uint)a, (uint)b)));
        void Three(string mnemonic, Func<uint, uint, uint, uint> compute) => set.Add(mnemonic, new("rrrr", PtxInstructionClass.Integer, (a, b, c) => compute((uint)a, (uint)b, (uint)c)));
        void Long(string mnemonic, string signature, Func<ulong, ulong, ulong> compute) => set.Add(mnemonic, new(signature, PtxInstructionClass.Integer, (a, b, _) => compute(a, b)));
        Word("add.s32", static (a, b) => a + b);
        Word("sub.s32", static (a, b) => a - b);
        Word("mul.lo.s32", static (a, b) => a * b);
        Word("min.s32", static (a, b) => (uint)Math.Min((int)a, (int)b));
        Word("max.s32", static (a, b) => (uint)Math.Max((int)a, (int)b));
        Word("min.u32", Math.Min);
        Word("max.u32", Math.Max);
        Word("and.b32", static (a, b) => a & b);
        Word("or.b32", static (a, b) => a | b);
        Word("xor.b32", static (a, b) => a ^ b);
        Word("shl.b32", static (a, b) => b > 31 ? 0 : a << (int)b);
        Word("shr.u32", static (a, b) => b > 31 ? 0 : a >> (int)b);
        Word("shr.s32", static (a, b) => (uint)((int)a >> (int)Math.Min(b, 31)));
        Word("div.u32", static (a, b) => b == 0 ? uint.MaxValue : a / b);
        Word("rem.u32", static (a, b) => b == 0 ? a : a % b);
        Three("mad.lo.s32", static (a, b, c) => (a * b) + c);
        Three("prmt.b32", Permute);
        Three("dp4a.u32.u32", static (a, b, c) => c + Dot(a, b, static x => x));
        Three("dp4a.s32.s32", static (a, b, c) => c + Dot(a, b, static x => (sbyte)x));
        set.Add("not.b32", new("rr", PtxInstructionClass.Integer, static (a, _, _) => ~(uint)a));
        Long("add.s64", "ddd", static (a, b) => a + b);
        Long("sub.s64", "ddd", static (a, b) => a - b);
        Long("mul.lo.s64", "ddd", static (a, b) => a * b);
        Long("and.b64", "ddd", static (a, b) => a & b);
        Long("or.b64", "ddd", static (a, b) => a | b);
        Long("shl.b64", "ddr", static (a, b) => (uint)b > 63 ? 0 : a << (int)b);
        Long("shr.s64", "ddr", static (a, b) => (ulong)((long)a >> (int)Math.Min((uint)b, 63)));
        set.Add("mad.wide.s32", new("drrd", PtxInstructionClass.Integer, static (a, b, c) => (ulong)(((long)(int)a * (int)b) + (long)c)));
        Long("mul.wide.u32", "drr", static (a, b) => (ulong)(uint)a * (uint)b);
        Long("mul.wide.s32", "drr", static (a, b) => (ulong)((long)(int)a * (int)b));
    }

    private static void AddFloats(Dictionary<string, PtxOperation> set)
    {
        void Single2(string mnemonic, Func<float, float, float> compute) => set.Add(mnemonic, new("fff", PtxInstructionClass.Single, (a, b, _) => Bits(compute(Single(a), Single(b)))));
        void Double2(string mnemonic, Func<double, double, double> compute) => set.Add(mnemonic, new("ggg", PtxInstructionClass.Double, (a, b, _) => Bits(compute(Double(a), Double(b)))));
        Single2("add.rn.f32", static (a, b) => a + b);
        Single2("sub.rn.f32", static (a, b) => a - b);
        Single2("mul.rn.f32", static (a, b) => a * b);
        Single2("div.rn.f32", static (a, b) => a / b);
        set.Add("fma.rn.f32", new("ffff", PtxInstructionClass.Single, static (a, b, c) => Bits(MathF.FusedMultiplyAdd(Single(a), Single(b), Single(c)))));
        Double2("add.rn.f64", static (a, b) => a + b);
        Double2("sub.rn.f64", static (a, b) => a - b);
        Double2("mul.rn.f64", static (a, b) => a * b);
        Double2("div.rn.f64", static (a, b) => a / b);

        // The operand that is not NaN wins.
        Double2("max.f64", static (a, b) => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Max(a, b));
        Single2("max.f32", static (a, b) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : Math.Max(a, b));

        // The machine's approximation is within two units in the last place and flushes nothing at this range; results here are the rounded exact ones.
        set.Add("ex2.approx.f32", new("ff", PtxInstructionClass.Single, static (a, _, _) => Bits((float)Math.Pow(2, Single(a)))));
        set.Add("abs.f32", new("ff", PtxInstructionClass.Single, static (a, _, _) => a & 0x7FFFFFFF));
        set.Add("abs.f64", new("gg", PtxInstructionClass.Double, static (a, _, _) => a & 0x7FFFFFFFFFFFFFFF));
        set.Add("rcp.rn.f32", new("ff", PtxInstructionClass.Single, static (a, _, _) => Bits(1f / Single(a))));
    }

    private static void AddConversions(Dictionary<string, PtxOperation> set)
    {
        void Convert(string mnemonic, string signature, Func<ulong, ulong> compute) => set.Add(mnemonic, new(signature, PtxInstructionClass.Conversion, (a, _, _) => compute(a)));
        Convert("cvt.rni.f64.f64", "gg", static a => Bits(Math.Round(Double(a), MidpointRounding.ToEven)));
        Convert("cvt.rn.f32.s32", "fr", static a => Bits((float)(int)a));
        Convert("cvt.rn.f32.s64", "fd", static a => Bits((float)(long)a));
        Convert("cvt.rn.f32.f64", "fg", static a => Bits((float)Double(a)));
        Convert("cvt.f64.f32", "gf", static a => Bits((double)Single(a)));
        Convert("cvt.f32.f16", "fh", static a => Bits((float)BitConverter.UInt16BitsToHalf((ushort)a)));
        Convert("cvt.rn.f16.f32", "hf", static a => BitConverter.HalfToUInt16Bits((Half)Single(a)));
        Convert("cvt.rn.bf16.f32", "hf", static a => BFloat16((uint)a));
        Convert("cvt.rn.f64.s32", "gr", static a => Bits((double)(int)a));
        Convert("cvt.rn.f64.u32", "gr", static a => Bits((double)(uint)a));
        Convert("cvt.rni.s32.f32", "rf", static a => float.IsNaN(Single(a)) ? 0 : RoundToInt(Single(a)));
        Convert("cvt.rni.s32.f64", "rg", static a => RoundToInt(Double(a)));
        Convert("cvt.u64.u32", "dr", static a => (uint)a);
        Convert("cvt.s64.s32", "dr", static a => (ulong)(long)(int)a);
        Convert("cvt.u32.u64", "rd", static a => (uint)a);
        void Move(string mnemonic, string signature) => set.Add(mnemonic, new(signature, PtxInstructionClass.Move, static (a, _, _) => a));
        Move("mov.f32", "ff");
        Move("mov.f64", "gg");
        Move("cvta.to.global.u64", "dd");
    }

    private static void AddPredicates(Dictionary<string, PtxOperation> set)
    {
        void Signed(string comparison, Func<int, int, bool> compute) => set.Add($"setp.{comparison}.s32", new("prr", PtxInstructionClass.Predicate, (a, b, _) => compute((int)a, (int)b) ? 1u : 0));
        void Unsigned(string comparison, Func<uint, uint, bool> compute) => set.Add($"setp.{comparison}.u32", new("prr", PtxInstructionClass.Predicate, (a, b, _) => compute((uint)a, (uint)b) ? 1u : 0));
        void Floating(string comparison, Func<double, double, bool> compute)
        {
            // Ordered comparisons: false for NaN.
            set.Add($"setp.{comparison}.f32", new("pff", PtxInstructionClass.Predicate, (a, b, _) => compute(Single(a), Single(b)) ? 1u : 0));
            set.Add($"setp.{comparison}.f64", new("pgg", PtxInstructionClass.Predicate, (a, b, _) => compute(Double(a), Double(b)) ? 1u : 0));
        }

        Signed("eq", static (a, b) => a == b);
        Signed("ne", static (a, b) => a != b);
        Signed("lt", static (a, b) => a < b);
        Signed("le", static (a, b) => a <= b);
        Signed("gt", static (a, b) => a > b);
        Signed("ge", static (a, b) => a >= b);
        Unsigned("lt", static (a, b) => a < b);
        Unsigned("ge", static (a, b) => a >= b);
        Floating("eq", static (a, b) => a == b);
        Floating("lt", static (a, b) => a < b);
        Floating("gt", static (a, b) => a > b);
        Floating("ge", static (a, b) => a >= b);
        set.Add("setp.eq.b32", new("prr", PtxInstructionClass.Predicate, static (a, b, _) => (uint)a == (uint)b ? 1u : 0));
        set.Add("and.pred", new("ppp", PtxInstructionClass.Predicate, static (a, b, _) => a & b));
        set.Add("or.pred", new("ppp", PtxInstructionClass.Predicate, static (a, b, _) => a | b));
        set.Add("not.pred", new("pp", PtxInstructionClass.Predicate, static (a, _, _) => a ^ 1));
        set.Add("selp.b32", new("rrrp", PtxInstructionClass.Predicate, static (a, b, p) => p != 0 ? (uint)a : (uint)b));
        set.Add("selp.b64", new("dddp", PtxInstructionClass.Predicate, static (a, b, p) => p != 0 ? a : b));
        set.Add("selp.f32", new("fffp", PtxInstructionClass.Predicate, static (a, b, p) => p != 0 ? a : b));
        set.Add("selp.f64", new("gggp", PtxInstructionClass.Predicate, static (a, b, p) => p != 0 ? a : b));
    }

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    private static uint Dot(uint a, uint b, Func<byte, int> widen)
    {
        int sum = 0;
        for (int i = 0; i < 32; i += 8)
        {
            sum += widen((byte)(a >> i)) * widen((byte)(b >> i));
        }

        return (uint)sum;
    }

    // NaN gives the most negative number for double sources; others saturate.
    private static uint RoundToInt(double value) => double.IsNaN(value) ? 0x80000000 : (uint)(int)Math.Clamp(Math.Round(value, MidpointRounding.ToEven), int.MinValue, int.MaxValue);

    private static ushort BFloat16(uint bits)
    {
        bool isNaN = (bits & 0x7FFFFFFF) > 0x7F800000;
        return isNaN ? (ushort)0x7FFF : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
