// A source operand: a register or an immediate number. Floating immediates are written as their bits, so that the text is exact.
using System.Globalization;

namespace BinaryAttention.Cuda.Ptx;

internal readonly struct PtxOperand
{
    private readonly string? _immediate;

    private PtxOperand(PtxRegister register, string? immediate, PtxClass immediateClass)
    {
        Register = register;
        _immediate = immediate;
        ImmediateClass = immediateClass;
    }

    public PtxRegister Register { get; }

    /// <summary>B64 for integers of any width, F32, F64, or None for a register.</summary>
    public PtxClass ImmediateClass { get; }

    public bool IsImmediate => _immediate is not null;

    public static implicit operator PtxOperand(PtxRegister register) => new(register, null, PtxClass.None);

    public static implicit operator PtxOperand(int value) => new(default, value.ToString(CultureInfo.InvariantCulture), PtxClass.B64);

    public static implicit operator PtxOperand(uint value) => new(default, "0x" + value.ToString("x8", CultureInfo.InvariantCulture), PtxClass.B64);

    public static implicit operator PtxOperand(long value) => new(default, value.ToString(CultureInfo.InvariantCulture), PtxClass.B64);

    public static implicit operator PtxOperand(float value) => new(default, "0f" + BitConverter.SingleToUInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture), PtxClass.F32);

    public static implicit operator PtxOperand(double value) => new(default, "0d" + BitConverter.DoubleToUInt64Bits(value).ToString("x16", CultureInfo.InvariantCulture), PtxClass.F64);

    public override string ToString() => _immediate ?? Register.ToString();
}
