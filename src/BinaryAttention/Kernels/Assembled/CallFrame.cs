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
        SaveVectors(code, isWindows);
    }

    public static void Leave(Assembler code, bool isWindows)
    {
        code.vzeroupper();
        RestoreVectors(code, isWindows);
        code.pop(r15);
        code.pop(r14);
        code.pop(r13);
        code.pop(r12);
        code.pop(rbp);
        code.pop(rbx);
        code.ret();
    }

    /// <summary>Puts the lower parts of xmm6 to xmm15, which belong to the caller on Windows alone, on the stack.</summary>
    public static void SaveVectors(Assembler code, bool isWindows)
    {
        if (!isWindows)
        {
            return;
        }

        code.sub(rsp, WindowsSavedRegisters * SavedBytes);
        for (int i = 0; i < WindowsSavedRegisters; i++)
        {
            code.vmovdqu64(__[rsp + (i * SavedBytes)], Saved(i));
        }
    }

    /// <summary>Takes back what <see cref="SaveVectors"/> put there.</summary>
    public static void RestoreVectors(Assembler code, bool isWindows)
    {
        if (!isWindows)
        {
            return;
        }

        for (int i = 0; i < WindowsSavedRegisters; i++)
        {
            code.vmovdqu64(Saved(i), __[rsp + (i * SavedBytes)]);
        }

        code.add(rsp, WindowsSavedRegisters * SavedBytes);
    }

    private static AssemblerRegisterXMM Saved(int index) => new(Register.XMM0 + FirstWindowsSavedRegister + index);
}
