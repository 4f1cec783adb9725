// Logits of a tile's queries against one block of 64 keys, in 16-bit fixed point with 2^fractionBits units an octave, and their running maxima. A key's distance byte becomes the high byte of
// a word, so that two words' worth of keys come out of one vector: even bytes by a shift, odd bytes by a mask; keys are packed in an order that makes those the first and the last 32 keys.
//
//   y = centredDistance * 256      (centred: 2 h - d, or h - d/2 where that exceeds a byte)
//   logit = round(round(y * keyWeight) * slope) + bias        products of 16-bit fractions, saturating addition
//
// The caller chooses slopes and units so that no sum saturates except that of a masked pair (bias -32768), whose logit stays 16 octaves below every other.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class LogitEmitter
{
    private const int Line = TileFrame.Line;
    private const int ByteBits = 8;

    // Cache lines of 64 floats.
    private const int FloatLines = 4;

    public static void Emit(Assembler code, KernelSpecification specification, LogitFrame frame, RegisterPlan plan, bool isLastBlock)
    {
        TileShape tile = specification.Tile;
        int shared = plan.SideCount - 2;
        for (int row = 0; row < tile.Rows; row += shared)
        {
            int count = Math.Min(shared, tile.Rows - row);
            SignDotEmitter.Count(code, frame.Planes, new CodeAddress(RegisterPlan.Next, frame.QueryCodes), plan, row, count);
            for (int i = 0; i < count; i++)
            {
                Finish(code, specification, frame, row + i, plan.Side(i), plan.Side(count), isLastBlock);
            }
        }
    }

    private static void Finish(Assembler code, KernelSpecification specification, LogitFrame frame, int row, AssemblerRegisterZMM distance, AssemblerRegisterZMM first, bool isLastBlock)
    {
        KernelStages stages = specification.Stages;
        AssemblerRegisterZMM second = distance;
        if (!specification.WideDistances)
        {
            code.vpaddb(distance, distance, distance);
        }

        code.vpsubb(distance, distance, __[RegisterPlan.Next + frame.Centre]);
        code.vpsllw(first, distance, ByteBits);
        code.vpandd(second, distance, __[RegisterPlan.Next + frame.HighBytes]);
        if ((stages & KernelStages.KeyWeights) != KernelStages.None)
        {
            code.vpmulhrsw(first, first, __[RegisterPlan.KeyWeights]);
            code.vpmulhrsw(second, second, __[RegisterPlan.KeyWeights + Line]);
        }

        int slope = frame.Slopes + (row * Line);
        code.vpmulhrsw(first, first, __[RegisterPlan.Next + slope]);
        code.vpmulhrsw(second, second, __[RegisterPlan.Next + slope]);
        if ((stages & (KernelStages.KeyBias | KernelStages.PairBias)) != KernelStages.None)
        {
            int bias = (stages & KernelStages.PairBias) != KernelStages.None ? row * 2 * Line : 0;
            code.vpaddsw(first, first, __[RegisterPlan.Bias + bias]);
            code.vpaddsw(second, second, __[RegisterPlan.Bias + bias + Line]);
        }

        if (isLastBlock)
        {
            code.vpminsw(first, first, __[RegisterPlan.Counter]);
            code.vpminsw(second, second, __[RegisterPlan.Counter + Line]);
        }

        if ((stages & KernelStages.Mask) != KernelStages.None)
        {
            Mask(code, first, row * sizeof(ulong), frame);
            Mask(code, second, (row * sizeof(ulong)) + sizeof(uint), frame);
        }

        if ((stages & KernelStages.Prefetch) != KernelStages.None)
        {
            for (int line = 0; line < FloatLines; line++)
            {
                code.prefetcht1(__byte_ptr[RegisterPlan.Prefetch + (line * Line)]);
            }

            code.add(RegisterPlan.Prefetch, RegisterPlan.PrefetchStride);
        }

        int position = row * 2 * Line;
        code.vmovdqa64(__[RegisterPlan.Distances + position], first);
        code.vmovdqa64(__[RegisterPlan.Distances + position + Line], second);
        int maximum = frame.Maxima + (row * Line);
        code.vpmaxsw(first, first, second);
        code.vpmaxsw(first, first, __[RegisterPlan.Next + maximum]);
        code.vmovdqa64(__[RegisterPlan.Next + maximum], first);
    }

    // Words whose bit is 0 become the smallest number.
    private static void Mask(Assembler code, AssemblerRegisterZMM logits, int position, LogitFrame frame)
    {
        code.kmovd(k1, __dword_ptr[RegisterPlan.Mask + position]);
        code.knotd(k1, k1);
        code.vmovdqu16(logits.k1, __[RegisterPlan.Next + frame.Lowest]);
    }
}
