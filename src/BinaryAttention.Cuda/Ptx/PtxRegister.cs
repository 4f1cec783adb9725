// One virtual register; the driver's compiler maps these to hardware registers.
using System.Globalization;

namespace BinaryAttention.Cuda.Ptx;

/// <param name="Class">What it holds.</param>
/// <param name="Index">Number within the class.</param>
internal readonly record struct PtxRegister(PtxClass Class, int Index)
{
    /// <summary>Name prefix of a class.</summary>
    public static string Prefix(PtxClass registerClass) => registerClass switch
    {
        PtxClass.B16 => "%h",
        PtxClass.B32 => "%r",
        PtxClass.B64 => "%rd",
        PtxClass.F32 => "%f",
        PtxClass.F64 => "%fd",
        PtxClass.Predicate => "%p",
        _ => throw new ArgumentOutOfRangeException(nameof(registerClass), registerClass, "Expected a register class; None means that the register was never made."),
    };

    public override string ToString() => Prefix(Class) + Index.ToString(CultureInfo.InvariantCulture);
}
