// Fixed-point logits of one block to 8-bit probabilities, in place, and the sums of the exponentials. With 2^f units an octave and x = rowMaximum - logit >= 0:
//
//   e = (coarse[x >> (f - 5)] * fine[x] >> 16) >> (x >> f)         255 * 256 * 2^-(x / 2^f), truncated; 0 from 16 octaves on
//   P = (e + 128) >> 8             sum e = 256 * sum of high bytes + sum of low bytes of (e + 128), less 128 each
//
// Both lookups read five bits of their index and a 32-entry table of words. The first 32 keys end up in the even bytes of the probabilities and the last 32 in the odd bytes, which is
// how keys and values are packed.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class ExponentialEmitter
{
    private const int Line = TileFrame.Line;
    private const int TableBits = 5;

    // Boolean functions of VPTERNLOG: a or (b and c), a or (b and not c).
    private const byte OrAnd = 0xF8;
    private const byte OrAndNot = 0xF4;

    public static void Emit(Assembler code, TileShape tile, LogitFrame frame, RegisterPlan plan, int blocksAhead, int fractionBits)
    {
        AssemblerRegisterZMM coarse = plan.Side(0);
        AssemblerRegisterZMM fine = plan.Side(1);
        code.vmovdqa64(coarse, __[RegisterPlan.Current + frame.Coarse]);
        code.vmovdqa64(fine, __[RegisterPlan.Current + frame.Fine]);
        for (int row = 0; row < tile.Rows; row++)
        {
            EmitRow(code, frame, plan, row, ((blocksAhead * tile.Rows) + row) * 2 * Line, fractionBits);
        }
    }

    private static void EmitRow(Assembler code, LogitFrame frame, RegisterPlan plan, int row, int position, int fractionBits)
    {
        AssemblerRegisterZMM maximum = plan.Side(2);
        AssemblerRegisterZMM first = plan.Side(3);
        AssemblerRegisterZMM second = plan.Side(4);
        AssemblerRegisterZMM third = plan.Side(5);
        AssemblerRegisterZMM last = plan.Side(6);
        code.vmovdqa64(maximum, __[RegisterPlan.Current + frame.Maxima + (row * Line)]);
        Exponential(code, plan, maximum, position, first, third, last, fractionBits);
        Exponential(code, plan, maximum, position + Line, second, third, last, fractionBits);
        code.vpaddw(first, first, __[RegisterPlan.Current + frame.Half]);
        code.vpaddw(second, second, __[RegisterPlan.Current + frame.Half]);
        code.vmovdqa64(maximum, __[RegisterPlan.Current + frame.HighBytes]);
        code.vpsrlw(third, first, 8);
        code.vpternlogd(third, second, maximum, OrAnd);
        code.vmovdqa64(__[RegisterPlan.Probabilities + position], third);
        code.vpsllw(last, second, 8);
        code.vpternlogd(last, first, maximum, OrAndNot);
        code.vpxord(maximum, maximum, maximum);
        code.vpsadbw(third, third, maximum);
        code.vpsadbw(last, last, maximum);
        code.vpsllq(third, third, 32);
        code.vpaddq(third, third, last);
        int sums = frame.RowSums + (row * Line);
        code.vpaddq(third, third, __[RegisterPlan.Current + sums]);
        code.vmovdqa64(__[RegisterPlan.Current + sums], third);
    }

    private static void Exponential(Assembler code, RegisterPlan plan, AssemblerRegisterZMM maximum, int position, AssemblerRegisterZMM result, AssemblerRegisterZMM below, AssemblerRegisterZMM factor, int fractionBits)
    {
        code.vpsubsw(below, maximum, __[RegisterPlan.Probabilities + position]);
        code.vpsrlw(result, below, (byte)(fractionBits - TableBits));
        code.vpermw(result, result, plan.Side(0));
        code.vpermw(factor, below, plan.Side(1));
        code.vpmulhuw(result, result, factor);
        code.vpsrlw(below, below, (byte)fractionBits);
        code.vpsrlvw(result, result, below);
    }
}
