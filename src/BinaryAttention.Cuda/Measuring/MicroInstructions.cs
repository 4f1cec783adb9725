// The instructions that the budgets of the attention kernel rest on. A chain's first registers are its results; what follows them are operands that stay.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Measuring;

internal static class MicroInstructions
{
    private const int Newest = int.MaxValue;

    public static IReadOnlyList<MicroInstruction> All { get; } =
    [
        new("mma_b1_m16n8k256_and", "sign products, more than 64 channels", 80, 99, 16 * 8 * 256, static (o, c) => Matrix(o, c, 6), static (o, s) => o.Ptx.MultiplyBits(s.AsSpan(0, 4), s.AsSpan(4, 4), s.AsSpan(8, 2), s.AsSpan(0, 4))),
        new("mma_b1_m16n8k128_and", "sign products, up to 64 channels", 80, 99, 16 * 8 * 128, static (o, c) => Matrix(o, c, 3), static (o, s) => o.Ptx.MultiplyBits(s.AsSpan(0, 4), s.AsSpan(4, 2), s.AsSpan(6, 1), s.AsSpan(0, 4))),
        new("mma_b1_m8n8k128_xor", "sign products of compute capability 7.5", 75, 89, 8 * 8 * 128, static (o, c) => o.Words(4, c), static (o, s) => o.Ptx.MultiplyBitsXor(s.AsSpan(0, 2), s[2], s[3], s.AsSpan(0, 2))),
        new("mma_s8_m16n8k32", "sign products as bytes, compute capability 10.0 and later", 80, Newest, 16 * 8 * 32, static (o, c) => Matrix(o, c, 6), static (o, s) => o.Ptx.MultiplySignedBytes(s.AsSpan(0, 4), s.AsSpan(4, 4), s.AsSpan(8, 2), s.AsSpan(0, 4))),
        new("mma_u8s8_m16n8k32", "numerators times values", 80, Newest, 16 * 8 * 32, static (o, c) => Matrix(o, c, 6), static (o, s) => o.Ptx.MultiplyBytes(s.AsSpan(0, 4), s.AsSpan(4, 4), s.AsSpan(8, 2), s.AsSpan(0, 4))),
        new("mma_u8s8_m8n8k16", "numerators times values, compute capability 7.5", 75, Newest, 8 * 8 * 16, static (o, c) => o.Words(4, c), static (o, s) => o.Ptx.MultiplyFewBytes(s.AsSpan(0, 2), s[2], s[3], s.AsSpan(0, 2))),
        new("ld_shared_lookup", "table lookup: one word a lane, lane and bank alike, and the addition that gives the address", 75, Newest, 32, StartWalk, static (o, s) => o.Ptx.Into(s[0], "add.s32", s[1], o.Ptx.Load("shared", "b32", s[0]))) { UsesTable = true },
        new("ldmatrix_x4", "value and byte-sign operands, with four additions that take the result up", 75, Newest, 32, StartMatrixLoad, MatrixLoad) { UsesTable = true },
        Simple("prmt_b32", "bytes of numerators", static (o, s) => o.Ptx.Into(s[0], "prmt.b32", s[0], s[1], 0x5140)),
        Simple("dp4a_u32", "row sums", static (o, s) => o.Ptx.Into(s[0], "dp4a.u32.u32", s[0], s[1], s[0])),
        Simple("mad_lo_s32", "addresses of lookups", static (o, s) => o.Ptx.Into(s[0], "mad.lo.s32", s[0], s[1], s[1])),
        Simple("max_add_s32", "row maximum, with an addition that keeps it from standing still: two instructions", static (o, s) => o.Ptx.Into(s[0], "max.s32", o.Ptx.Op("add.s32", s[0], s[0]), s[1])),
        Simple("lop_prmt", "complements and masks, with a permutation that keeps two from cancelling: two instructions", static (o, s) => o.Ptx.Into(s[0], "xor.b32", o.Ptx.Op("prmt.b32", s[0], s[0], 0x2103), s[1])),
        Simple("shfl_bfly", "maximum and sum over four lanes", static (o, s) => o.Ptx.Into(s[0], "shfl.sync.bfly.b32", s[0], 1, 31, -1)),
        Simple("i2f_f2i", "conversions of log mode, there and back: two instructions", static (o, s) => o.Ptx.Into(s[0], "cvt.rni.s32.f32", o.Ptx.Op("cvt.rn.f32.s32", s[0]))),
        new("ex2_f32", "exponentials of log mode", 75, Newest, 32, static (o, c) => [o.Ptx.Op("cvt.rn.f32.s32", o.Words(1, c)[0])], static (o, s) => o.Ptx.Into(s[0], "ex2.approx.f32", s[0])),
    ];

    private static MicroInstruction Simple(string name, string question, Action<MicroOperands, PtxRegister[]> step) => new(name, question, 75, Newest, 32, static (o, c) => o.Words(2, c), step);

    private static PtxRegister[] Matrix(MicroOperands operands, int chain, int words) => operands.Words(4 + words, chain);

    private static PtxRegister[] StartWalk(MicroOperands operands, int chain)
    {
        PtxRegister lane = operands.Ptx.Op("mad.lo.s32", operands.Lane, 4, operands.Table);
        return [operands.Ptx.Op("add.s32", lane, chain * 128), lane];
    }

    // Rows of 16 bytes, one a lane; the table's entries are offsets, of which the unknown zero keeps none.
    private static PtxRegister[] StartMatrixLoad(MicroOperands operands, int chain) =>
        [operands.Ptx.Op("add.s32", operands.Ptx.Op("mad.lo.s32", operands.Lane, 16, operands.Table), chain * 512)];

    private static void MatrixLoad(MicroOperands operands, PtxRegister[] state)
    {
        PtxRegister[] loaded = operands.Ptx.New(PtxClass.B32, 4);
        operands.Ptx.LoadMatrices(loaded, state[0], 0);
        PtxRegister sum = operands.Ptx.Op("add.s32", operands.Ptx.Op("add.s32", loaded[0], loaded[1]), operands.Ptx.Op("add.s32", loaded[2], loaded[3]));
        operands.Ptx.Into(state[0], "mad.lo.s32", sum, operands.Zero, state[0]);
    }
}
