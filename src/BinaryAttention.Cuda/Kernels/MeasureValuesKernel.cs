// Mean and scale of every value channel of a key head, as Quantization/ValueQuantizer makes them: the mean from a double sum in token order, then the largest distance from the mean.
// Eight warps bring 64 tokens at a time into shared memory; the first warp adds them in order, one channel a lane. The maximum has no order, so all warps share it.
//   grid (channel panels of 32, key heads, batch), 256 threads.  Writes scales, means (float32) and multipliers 127 / max (double), each [batch, key heads, padded channels].
// A channel with a NaN or an infinity has scale 0, multiplier 0 and mean NaN.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class MeasureValuesKernel
{
    private const int Warps = 8;
    private const int Threads = 32 * Warps;
    private const int ChunkTokens = 64;
    private const int ChunkBytes = ChunkTokens * 32 * 4;

    public static PtxModule Emit(CudaElement type, int valueDimension, bool hasLengths)
    {
        string name = KernelNames.Of("measure_values", $"v{valueDimension}", KernelNames.Of(type), hasLengths ? "lengths" : string.Empty);
        var ptx = new PtxEmitter(name);
        var source = new TokenSource(ptx, type);
        var count = new KeyCount(ptx, hasLengths);
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister scalesOut = ptx.GlobalPointer();
        PtxRegister meansOut = ptx.GlobalPointer();
        PtxRegister multipliersOut = ptx.GlobalPointer();
        PtxRegister chunk = ptx.SharedArray("chunks", 2 * ChunkBytes);
        PtxRegister meanShared = ptx.SharedArray("channel_means", 32 * 4);
        PtxRegister maximaShared = ptx.SharedArray("maxima", Threads * 8);

        PtxRegister thread = ptx.Special("%tid.x");
        PtxRegister lane = ptx.Op("and.b32", thread, 31);
        PtxRegister warp = ptx.Op("shr.u32", thread, 5);
        PtxRegister isFirstWarp = ptx.Op("setp.eq.s32", warp, 0);
        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister batch = ptx.Special("%ctaid.z");
        PtxRegister channel = ptx.Op("mad.lo.s32", ptx.Special("%ctaid.x"), 32, lane);
        PtxRegister isChannel = ptx.Op("setp.lt.u32", channel, valueDimension);
        PtxRegister valid = count.Valid(batch);
        PtxRegister start = source.Token(source.Head(batch, head), warp, channel);
        PtxRegister stride = ptx.Op("shl.b64", source.TokenBytes(), 3);

        PtxRegister mean = Mean(ptx, source, start, stride, isChannel, valid, warp, thread, lane, isFirstWarp, chunk, meanShared);
        PtxRegister wideMean = ptx.Op("cvt.f64.f32", mean);
        PtxRegister largest = Largest(ptx, source, start, stride, isChannel, valid, warp, wideMean);

        ptx.Store("shared", "f64", ptx.Op("mad.lo.s32", thread, 8, maximaShared), 0, largest);
        ptx.Barrier();
        PtxLabel end = ptx.Label("end");
        ptx.Branch(end, isFirstWarp, isNegated: true);
        PtxRegister laneMaxima = ptx.Op("mad.lo.s32", lane, 8, maximaShared);
        for (int other = 1; other < Warps; other++)
        {
            ptx.Into(largest, "max.f64", largest, ptx.Load("shared", "f64", laneMaxima, other * 32 * 8));
        }

        PtxRegister isFinite = ptx.Op("setp.lt.f32", ptx.Op("abs.f32", mean), float.PositiveInfinity);
        PtxRegister isVarying = ptx.Op("and.pred", isFinite, ptx.Op("setp.gt.f64", largest, 0.0));
        PtxRegister scale = ptx.Op("selp.f32", ptx.Op("cvt.rn.f32.f64", ptx.Op("div.rn.f64", largest, 127.0)), 0f, isFinite);
        PtxRegister multiplier = ptx.Op("selp.f64", ptx.Op("div.rn.f64", 127.0, largest), 0.0, isVarying);
        PtxRegister storedMean = ptx.Op("selp.f32", mean, float.NaN, isFinite);
        PtxRegister index = ptx.Op("mad.lo.s32", ptx.Op("mad.lo.s32", batch, heads, head), new TileLayout(1, valueDimension).PaddedChannels, channel);
        PtxRegister offset = ptx.Op("mul.wide.u32", index, 4);
        ptx.Store("global", "f32", ptx.Op("add.s64", scalesOut, offset), 0, scale);
        ptx.Store("global", "f32", ptx.Op("add.s64", meansOut, offset), 0, storedMean);
        ptx.Store("global", "f64", ptx.Op("add.s64", multipliersOut, ptx.Op("mul.wide.u32", index, 8)), 0, multiplier);
        ptx.Place(end);
        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, ptx.StaticSharedBytes, 0);
    }

    private static PtxRegister Mean(
        PtxEmitter ptx, TokenSource source, PtxRegister start, PtxRegister stride, PtxRegister isChannel, PtxRegister valid, PtxRegister warp, PtxRegister thread, PtxRegister lane,
        PtxRegister isFirstWarp, PtxRegister chunk, PtxRegister meanShared)
    {
        PtxRegister address = ptx.Op("mov.b64", start);
        PtxRegister first = ptx.Op("mov.b32", 0);
        PtxRegister buffer = ptx.Op("mov.b32", 0);
        PtxRegister sum = ptx.Op("mov.f64", 0.0);
        PtxRegister threadOffset = ptx.Op("mad.lo.s32", thread, 4, chunk);
        PtxRegister laneOffset = ptx.Op("mad.lo.s32", lane, 4, chunk);
        PtxLabel loop = ptx.Label("chunks");
        PtxLabel done = ptx.Label("summed");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", first, valid));
        PtxRegister store = ptx.Op("add.s32", threadOffset, buffer);
        var loaded = new PtxRegister[ChunkTokens / Warps];
        for (int i = 0; i < loaded.Length; i++)
        {
            // Tokens beyond the last give 0, which changes no sum.
            PtxRegister token = ptx.Op("add.s32", ptx.Op("add.s32", first, warp), i * Warps);
            loaded[i] = ptx.Op("mov.f32", 0f);
            source.LoadInto(loaded[i], address, 0, ptx.Op("and.pred", isChannel, ptx.Op("setp.lt.s32", token, valid)));
            ptx.Into(address, "add.s64", address, stride);
        }

        for (int i = 0; i < loaded.Length; i++)
        {
            ptx.Store("shared", "f32", store, i * Threads * 4, loaded[i]);
        }

        // One barrier a chunk is enough: a warp writes a buffer again only behind the next barrier, which the first warp reaches after it has read this one.
        ptx.Barrier();
        PtxLabel skip = ptx.Label("skip");
        ptx.Branch(skip, isFirstWarp, isNegated: true);
        PtxRegister load = ptx.Op("add.s32", laneOffset, buffer);
        for (int i = 0; i < ChunkTokens; i++)
        {
            ptx.Into(sum, "add.rn.f64", sum, ptx.Op("cvt.f64.f32", ptx.Load("shared", "f32", load, i * 32 * 4)));
        }

        ptx.Place(skip);
        ptx.Into(buffer, "xor.b32", buffer, ChunkBytes);
        ptx.Into(first, "add.s32", first, ChunkTokens);
        ptx.Branch(loop);
        ptx.Place(done);

        PtxRegister mine = ptx.Op("cvt.rn.f32.f64", ptx.Op("div.rn.f64", sum, ptx.Op("cvt.rn.f64.u32", valid)));
        PtxRegister meanAddress = ptx.Op("mad.lo.s32", lane, 4, meanShared);
        ptx.When(isFirstWarp, () => ptx.Store("shared", "f32", meanAddress, 0, mine));
        ptx.Barrier();
        return ptx.Load("shared", "f32", meanAddress);
    }

    private static PtxRegister Largest(
        PtxEmitter ptx, TokenSource source, PtxRegister start, PtxRegister stride, PtxRegister isChannel, PtxRegister valid, PtxRegister warp, PtxRegister wideMean)
    {
        const int Unroll = 4;
        PtxRegister address = ptx.Op("mov.b64", start);
        PtxRegister first = ptx.Op("mov.b32", 0);
        PtxRegister largest = ptx.Op("mov.f64", 0.0);
        PtxLabel loop = ptx.Label("maximum");
        PtxLabel done = ptx.Label("measured");
        ptx.Place(loop);
        ptx.Branch(done, ptx.Op("setp.ge.s32", first, valid));
        for (int i = 0; i < Unroll; i++)
        {
            PtxRegister token = ptx.Op("add.s32", ptx.Op("add.s32", first, warp), i * Warps);
            PtxRegister isValid = ptx.Op("and.pred", isChannel, ptx.Op("setp.lt.s32", token, valid));
            PtxRegister x = ptx.Op("mov.f32", 0f);
            source.LoadInto(x, address, 0, isValid);
            PtxRegister distance = ptx.Op("abs.f64", ptx.Op("sub.rn.f64", ptx.Op("cvt.f64.f32", x), wideMean));
            ptx.When(isValid, () => ptx.Into(largest, "max.f64", largest, distance));
            ptx.Into(address, "add.s64", address, stride);
        }

        ptx.Into(first, "add.s32", first, Unroll * Warps);
        ptx.Branch(loop);
        ptx.Place(done);
        return largest;
    }
}
