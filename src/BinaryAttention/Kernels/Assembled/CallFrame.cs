// The two calling conventions of x64: the single argument ends up in one register, registers that belong to the caller are saved and given back.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace BinaryAttention.Kernels.Assembled;

internal static class CallFrame
{
    private const int WindowsSavedRegisters = 10;
    private const int FirstWindowsSavedRegister = 6;
    private const int SavedBytes = 16;

    public static void Enter(Assembler code, bool isWindows)
    {
        code.push(rbx);
        code.push(rbp);
        code.push(r12);
        code.push(r13);
        code.push(r14);
        code.push(r15);
        code.mov(RegisterPlan.Arguments, isWindows ? rcx : rdi);
        if (isWindows)
        {
            code.sub(rsp, WindowsSavedRegisters * SavedBytes);
            for (int i = 0; i < WindowsSavedRegisters; i++)
            {
                code.vmovdqu64(__[rsp + (i * SavedBytes)], Saved(i));
            }
        }
    }

    public static void Leave(Assembler code, bool isWindows)
    {
        code.vzeroupper();
        if (isWindows)
        {
            for (int i = 0; i < WindowsSavedRegisters; i++)
            {
                code.vmovdqu64(Saved(i), __[rsp + (i * SavedBytes)]);
            }

            code.add(rsp, WindowsSavedRegisters * SavedBytes);
        }

        code.pop(r15);
        code.pop(r14);
        code.pop(r13);
        code.pop(r12);
        code.pop(rbp);
        code.pop(rbx);
        code.ret();
    }

    private static AssemblerRegisterXMM Saved(int index) => new(Register.XMM0 + FirstWindowsSavedRegister + index);
}
