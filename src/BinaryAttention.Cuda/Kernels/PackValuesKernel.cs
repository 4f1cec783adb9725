// 8-bit values, transposed into tiles of 64 keys (TileLayout): level = round((v - mean) * multiplier), in double, as Quantization/ValueQuantizer. A thread makes the 16 levels of one
// channel and chunk; neighbouring lanes read neighbouring channels.
//   grid (tiles, key heads, batch), 128 threads.  Writes levels [batch, key heads, tiles, padded channels, 64]; keys and channels beyond the operand are 0.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal static class PackValuesKernel
{
    private const int Threads = 128;
    private const int ChunkKeys = 16;

    public static PtxModule Emit(CudaElement type, int valueDimension, bool hasLengths)
    {
        string name = KernelNames.Of("pack_values", $"v{valueDimension}", KernelNames.Of(type), hasLengths ? "lengths" : string.Empty);
        var ptx = new PtxEmitter(name);
        var layout = new TileLayout(1, valueDimension);
        var source = new TokenSource(ptx, type);
        var count = new KeyCount(ptx, hasLengths);
        PtxRegister heads = ptx.Parameter("u32");
        PtxRegister tiles = ptx.Parameter("u32");
        PtxRegister means = ptx.GlobalPointer();
        PtxRegister multipliers = ptx.GlobalPointer();
        PtxRegister levelsOut = ptx.GlobalPointer();

        PtxRegister thread = ptx.Special("%tid.x");
        PtxRegister lane = ptx.Op("and.b32", thread, 31);
        PtxRegister chunk = ptx.Op("shr.u32", thread, 5);
        PtxRegister tile = ptx.Special("%ctaid.x");
        PtxRegister head = ptx.Special("%ctaid.y");
        PtxRegister batch = ptx.Special("%ctaid.z");
        PtxRegister valid = count.Valid(batch);
        PtxRegister token = ptx.Op("mad.lo.s32", tile, TileLayout.TileKeys, ptx.Op("shl.b32", chunk, 4));
        PtxRegister headIndex = ptx.Op("mad.lo.s32", batch, heads, head);
        PtxRegister headAddress = source.Head(batch, head);
        PtxRegister stride = source.TokenBytes();

        // Chunk q of channel c lies at chunk q ^ ((c >> 1) & 3); channels advance by 32, which keeps that.
        PtxRegister swizzled = ptx.Op("xor.b32", chunk, ptx.Op("and.b32", ptx.Op("shr.u32", lane, 1), 3));
        PtxRegister inTile = ptx.Op("mad.lo.s32", lane, TileLayout.ChannelBytes, ptx.Op("shl.b32", swizzled, 4));
        PtxRegister tileIndex = ptx.Op("add.s64", ptx.Op("mul.wide.u32", headIndex, tiles), ptx.Op("cvt.u64.u32", tile));
        PtxRegister tileBytes = ptx.Op("mul.lo.s64", tileIndex, layout.ValueTileBytes);
        PtxRegister target = ptx.Op("add.s64", ptx.Op("add.s64", levelsOut, tileBytes), ptx.Op("cvt.u64.u32", inTile));

        for (int firstChannel = 0; firstChannel < layout.PaddedChannels; firstChannel += 32)
        {
            PtxRegister channel = ptx.Op("add.s32", lane, firstChannel);
            PtxRegister index = ptx.Op("mad.lo.s32", headIndex, layout.PaddedChannels, channel);
            PtxRegister mean = ptx.Op("cvt.f64.f32", ptx.Load("global.nc", "f32", ptx.Op("add.s64", means, ptx.Op("mul.wide.u32", index, 4))));
            PtxRegister multiplier = ptx.Load("global.nc", "f64", ptx.Op("add.s64", multipliers, ptx.Op("mul.wide.u32", index, 8)));

            // A multiplier of 0 stands for a constant channel or one that is not finite: all levels 0.
            PtxRegister isChannel = ptx.Op("and.pred", ptx.Op("setp.lt.u32", channel, valueDimension), ptx.Op("setp.gt.f64", multiplier, 0.0));
            PtxRegister address = source.Token(headAddress, token, channel);
            var levels = new PtxRegister[ChunkKeys];
            for (int key = 0; key < ChunkKeys; key++)
            {
                PtxRegister isValid = ptx.Op("and.pred", isChannel, ptx.Op("setp.lt.s32", key == 0 ? token : ptx.Op("add.s32", token, key), valid));
                PtxRegister x = ptx.Op("mov.f32", 0f);
                source.LoadInto(x, address, 0, isValid);
                PtxRegister centred = ptx.Op("sub.rn.f64", ptx.Op("cvt.f64.f32", x), mean);
                PtxRegister level = ptx.Op("cvt.rni.s32.f64", ptx.Op("mul.rn.f64", centred, multiplier));
                level = ptx.Op("max.s32", ptx.Op("min.s32", level, 127), -127);
                levels[key] = ptx.Op("selp.b32", level, 0, isValid);
                if (key + 1 < ChunkKeys)
                {
                    ptx.Into(address, "add.s64", address, stride);
                }
            }

            ptx.Store("global", "b32", target, firstChannel * TileLayout.ChannelBytes, Pack(ptx, levels));
        }

        ptx.Return();
        return new PtxModule(ptx.ToText(Threads), name, Threads, 0, 0);
    }

    private static PtxRegister[] Pack(PtxEmitter ptx, PtxRegister[] levels)
    {
        var words = new PtxRegister[ChunkKeys / 4];
        for (int word = 0; word < words.Length; word++)
        {
            PtxRegister low = ptx.Op("prmt.b32", levels[4 * word], levels[(4 * word) + 1], 0x0040);
            PtxRegister high = ptx.Op("prmt.b32", levels[(4 * word) + 2], levels[(4 * word) + 3], 0x0040);
            words[word] = ptx.Op("prmt.b32", low, high, 0x5410);
        }

        return words;
    }
}
