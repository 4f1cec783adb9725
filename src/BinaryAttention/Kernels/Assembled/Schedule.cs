// Merges stages into one instruction sequence. The primary stage keeps its order and its rhythm, and the side stage is spread evenly between its instructions, so that the multipliers
// never wait for the side stage and the side stage fills the slots that they leave. Out-of-order execution alone does not do this: its window (some 450 instructions) is shorter than a
// block of 64 keys (some 850), and in sequence the two stages cost 0.66 instead of 0.54 cycles a pair (Zen 5, d = dv = 64, 2026-11-20).
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

internal static class Schedule
{
    /// <summary>Appends both stages, the side stage spread evenly over the primary one.</summary>
    public static void Interleave(Assembler target, InstructionStream primary, InstructionStream side)
    {
        IReadOnlyList<Instruction> first = primary.Instructions;
        IReadOnlyList<Instruction> second = side.Instructions;
        int taken = 0;
        for (int i = 0; i < first.Count; i++)
        {
            target.AddInstruction(first[i]);

            // After i + 1 of the primary instructions, the same share of the side instructions.
            long due = (long)(i + 1) * second.Count / first.Count;
            for (; taken < due; taken++)
            {
                target.AddInstruction(second[taken]);
            }
        }

        for (; taken < second.Count; taken++)
        {
            target.AddInstruction(second[taken]);
        }
    }
}
