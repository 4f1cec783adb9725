// Signs and magnitudes of queries or keys. Eight threads share a token: thread l reads channels l, l + 8, ... and adds their absolute values in double in that order, then lanes fold
// 4-2-1: the order of Bits/SignRow, so that sums and weights equal the CPU's bit for bit. One ballot of a warp gives eight sign bits of each of its four tokens.
//   grid (tokens / 16, heads, batch), 128 threads.  Writes words [batch, heads, padded tokens, words] (keys: in column order) and sums [batch, heads, tokens] in double.
// Words of tokens beyond the operand are 0. A negative logit scale or learned row weight complements the queries' signs: their agreements are then the reversed distances (operator page,
// "table mode"). The xor form counts differences, so that it complements where the others do not.
// Signs as bytes: the bits of 16 channels become four words of bytes, +1 and -1, 0 beyond the head dimension; thread p of a token's eight writes chunk p.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class PackSignsKernel
{
    private const int Threads = 128;
    private const int TokensPerBlock = Threads / 8;
    private const int Ones = 0x01010101;

    /// <param name="type">Type of the operand.</param>
    /// <param name="layout">Head dimension and form.</param>
    /// <param name="areKeys">Keys in column order, or queries.</param>
    /// <param name="isComplemented">Whether all signs are complemented.</param>
    /// <param name="hasSignedWeights">Whether a row whose given weight is negative is complemented once more.</param>
    /// <param name="signOfZero">The sign of a zero.</param>
    public static PtxModule Emit(CudaElement type, TileLayout layout, bool areKeys, bool isComplemented, bool hasSignedWeights, SignOfZero signOfZero)
    {
        int dimension = layout.HeadDimension;
        bool areBytes = layout.Form == SignProductForm.SignedBytes;
        string name = KernelNames.Of(
            areKeys ? "pack_keys" : "pack_queries", $"d{dimension}", KernelNames.Of(type), areBytes ? "bytes" : string.Empty, isComplemented ? "complement" : string.Empty, hasSignedWeights ? "signed" : string.Empty, signOfZero == SignOfZero.Negative ? "zero_negative" : string.Empty);
        var ptx = new PtxEmitter(name);
        var source = new TokenSource(ptx, type);
        PtxRegister tokens = ptx.Parameter("u32");
        PtxRegister paddedTokens = ptx.Parameter("u32");
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister wordsOut = ptx.GlobalPointer();
        PtxRegister sumsOut = ptx.GlobalPointer();
        PtxRegister weights = hasSignedWeights ? ptx.GlobalPointer() : default;

        PtxRegister thread = ptx.Special("%tid.x");
        PtxRegister part = ptx.Op("and.b32", thread, 7);
        PtxRegister token = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), TokensPerBlock, ptx.Op("shr.u32", thread, 3));
        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister batch = ptx.Special("%ctaid.z");
        PtxRegister isToken = ptx.Op("setp.lt.u32", token, tokens);
        PtxRegister address = source.Token(source.Head(batch, head), token, part);

        PtxRegister sum = ptx.Op("mov.f64", 0.0);
        PtxRegister inWarp = ptx.Op("and.b32", ptx.Op("shr.u32", thread, 3), 3);
        PtxRegister selector = ptx.Op("mad.lo.s32", inWarp, 0x11, 0x40);
        int steps = (dimension + 7) / 8;
        var ballots = new PtxRegister[layout.Words * 4];
        for (int step = 0; step < steps; step++)
        {
            ballots[step] = Step(ptx, source, address, step, dimension - (8 * step), part, isToken, sum, signOfZero);
        }

        PtxRegister headIndex = ptx.Op("mad.lo.s32", batch, heads, head);
        PtxRegister row = ptx.Op("add.s64", ptx.Op("mul.wide.u32", headIndex, tokens), ptx.Op("cvt.u64.u32", token));
        PtxRegister isReversed = default;
        if (hasSignedWeights)
        {
            PtxRegister weight = ptx.Op("mov.f32", 0f);
            PtxRegister weightAddress = ptx.Op("add.s64", weights, ptx.Op("shl.b64", row, 2));
            ptx.When(isToken, () => ptx.LoadInto([weight], "global.nc", "f32", weightAddress));
            isReversed = ptx.Op("setp.lt.f32", weight, 0f);
        }

        PtxRegister zero = ptx.Op("mov.b32", 0);
        var words = new PtxRegister[layout.Words];
        for (int word = 0; word < words.Length; word++)
        {
            words[word] = Word(ptx, ballots.AsSpan(4 * word, 4), steps - (4 * word), selector, zero);
            if (isComplemented)
            {
                words[word] = ptx.Op("xor.b32", words[word], ValidBits(dimension, word));
            }

            if (hasSignedWeights)
            {
                words[word] = ptx.Op("selp.b32", ptx.Op("xor.b32", words[word], ValidBits(dimension, word)), words[word], isReversed);
            }

            words[word] = ptx.Op("selp.b32", words[word], zero, isToken);
        }

        foreach (int lanes in (ReadOnlySpan<int>)[4, 2, 1])
        {
            sum = ptx.Op("add.rn.f64", sum, ptx.ShuffleXor(sum, lanes));
        }

        PtxRegister isFirst = ptx.Op("setp.eq.s32", part, 0);
        PtxRegister sumAddress = ptx.Op("add.s64", sumsOut, ptx.Op("shl.b64", row, 3));
        ptx.When(ptx.Op("and.pred", isFirst, isToken), () => ptx.Store("global", "f64", sumAddress, 0, sum));

        PtxRegister column = areKeys ? Column(ptx, token) : token;
        PtxRegister wordRow = ptx.Op("add.s64", ptx.Op("mul.wide.u32", headIndex, paddedTokens), ptx.Op("cvt.u64.u32", column));
        PtxRegister wordAddress = ptx.Op("add.s64", wordsOut, ptx.Op("shl.b64", wordRow, int.Log2(layout.TokenBytes)));
        PtxRegister isPadded = ptx.Op("setp.lt.u32", token, paddedTokens);
        if (areBytes)
        {
            StoreBytes(ptx, layout, words, part, areKeys ? column : default, wordAddress, isPadded);
        }
        else
        {
            ptx.When(ptx.Op("and.pred", isFirst, isPadded), () => ptx.Store("global", "b32", wordAddress, 0, words));
        }

        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0);
    }

    public static LaunchShape Grid(long paddedTokens, int heads, int batch) => new((uint)((paddedTokens + TokensPerBlock - 1) / TokensPerBlock), (uint)heads, (uint)batch);

    /// <summary>Bits of a word that stand for channels.</summary>
    public static uint ValidBits(int dimension, int word)
    {
        int bits = Math.Clamp(dimension - (32 * word), 0, 32);
        return bits == 32 ? uint.MaxValue : (1u << bits) - 1;
    }

    // Channels 8 step .. 8 step + 7 of the warp's four tokens: one byte each.
    private static PtxRegister Step(PtxEmitter ptx, TokenSource source, PtxRegister address, int step, int channelsLeft, PtxRegister part, PtxRegister isToken, PtxRegister sum, SignOfZero signOfZero)
    {
        PtxRegister isChannel = channelsLeft < 8 ? ptx.Op("and.pred", isToken, ptx.Op("setp.lt.u32", part, channelsLeft)) : isToken;
        PtxRegister x = ptx.Op("mov.f32", 0f);
        source.LoadInto(x, address, step * 8 * source.ElementBytes, isChannel);
        PtxRegister isPositive = ptx.Op(signOfZero == SignOfZero.Positive ? "setp.ge.f32" : "setp.gt.f32", x, 0f);
        if (channelsLeft < 8)
        {
            isPositive = ptx.Op("and.pred", isPositive, isChannel);
        }

        ptx.Into(sum, "add.rn.f64", sum, ptx.Op("cvt.f64.f32", ptx.Op("abs.f32", x)));
        return ptx.Ballot(isPositive);
    }

    // Four ballots hold four bytes of each of four tokens; the selector picks this thread's token.
    private static PtxRegister Word(PtxEmitter ptx, ReadOnlySpan<PtxRegister> ballots, int count, PtxRegister selector, PtxRegister zero)
    {
        if (count <= 0)
        {
            return zero;
        }

        PtxRegister low = ptx.Op("prmt.b32", ballots[0], count > 1 ? ballots[1] : zero, selector);
        PtxRegister high = count > 2 ? ptx.Op("prmt.b32", ballots[2], count > 3 ? ballots[3] : zero, selector) : zero;
        return ptx.Op("prmt.b32", low, high, 0x5410);
    }

    // Chunk p of 16 channels as bytes; keys in the order that the matrix loads of the attention kernel expect.
    private static void StoreBytes(PtxEmitter ptx, TileLayout layout, PtxRegister[] words, PtxRegister part, PtxRegister column, PtxRegister address, PtxRegister isPadded)
    {
        int chunks = layout.TokenBytes / 16;
        PtxRegister isStored = chunks == 8 ? isPadded : ptx.Op("and.pred", isPadded, ptx.Op("setp.lt.s32", part, chunks));
        PtxRegister word = words[0];
        for (int i = 1; i < words.Length; i++)
        {
            word = ptx.Op("selp.b32", words[i], word, ptx.Op("setp.ge.s32", part, 2 * i));
        }

        PtxRegister isUpper = ptx.Op("setp.ne.s32", ptx.Op("and.b32", part, 1), 0);
        PtxRegister bits = ptx.Op("selp.b32", ptx.Op("shr.u32", word, 16), word, isUpper);
        PtxRegister left = ptx.Op("max.s32", ptx.Op("mad.lo.s32", part, -16, layout.HeadDimension), 0);
        PtxRegister valid = ptx.Op("not.b32", ptx.Op("shl.b32", -1, left));
        var bytes = new PtxRegister[4];
        for (int i = 0; i < bytes.Length; i++)
        {
            // Bits b0 .. b3 to the lowest bits of four bytes by one product without carries; 255 times that fills the bytes.
            PtxRegister clear = Spread(ptx, ptx.Op("xor.b32", bits, -1), 4 * i);
            PtxRegister sign = ptx.Op("or.b32", ptx.Op("mul.lo.s32", clear, 255), Ones);
            bytes[i] = layout.HeadDimension % 64 == 0 ? sign : ptx.Op("and.b32", sign, ptx.Op("mul.lo.s32", Spread(ptx, valid, 4 * i), 255));
        }

        if (layout.HeadDimension % 64 == 0)
        {
            ptx.Discard(valid);
        }

        PtxRegister chunk = part;
        if (column.Class != PtxClass.None)
        {
            chunk = ptx.Op("xor.b32", part, layout.IsWide ? ptx.Op("and.b32", column, 7) : ptx.Op("and.b32", ptx.Op("shr.u32", column, 1), 3));
        }

        PtxRegister target = ptx.Op("add.s64", address, ptx.Op("mul.wide.u32", chunk, 16));
        ptx.When(isStored, () => ptx.Store("global", "b32", target, 0, bytes));
    }

    private static PtxRegister Spread(PtxEmitter ptx, PtxRegister bits, int first)
    {
        PtxRegister four = ptx.Op("and.b32", first == 0 ? bits : ptx.Op("shr.u32", bits, first), 15);
        return ptx.Op("and.b32", ptx.Op("mul.lo.s32", four, 0x00204081), Ones);
    }

    // TileLayout.Column.
    private static PtxRegister Column(PtxEmitter ptx, PtxRegister key)
    {
        PtxRegister kept = ptx.Op("and.b32", key, ~14);
        PtxRegister up = ptx.Op("shl.b32", ptx.Op("and.b32", key, 2), 2);
        PtxRegister down = ptx.Op("shr.u32", ptx.Op("and.b32", key, 12), 1);
        return ptx.Op("or.b32", ptx.Op("or.b32", kept, up), down);
    }
}
