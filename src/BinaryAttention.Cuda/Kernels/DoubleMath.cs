// Double-precision exp and log as PTX, since the instruction set has single-precision approximations only.
// Exponential: operation for operation PortableExponential, so that tables made on the device equal the CPU's bit for bit.
// Logarithm: x = 2^n m, m in [sqrt(1/2), sqrt 2), s = (m - 1)/(m + 1), log x = n ln 2 + 2 s (1 + s^2/3 + ... + s^20/21); |s| <= 0.1716, truncation below 3e-17 relative. The CPU
// calls the C library, so the two may differ in a double's last places, and the float32 result by one unit.
using BinaryAttention.Cuda.Ptx;
using BinaryAttention.Quantization;

namespace BinaryAttention.Cuda.Kernels;

internal static class DoubleMath
{
    private const int LogTerms = 10;

    /// <summary>exp of a register that is at most 0.</summary>
    public static PtxRegister Exp(PtxEmitter ptx, PtxRegister x)
    {
        PtxRegister isBelow = ptx.Op("setp.lt.f64", x, PortableExponential.Lowest);
        PtxRegister n = ptx.Op("cvt.rni.f64.f64", ptx.Op("mul.rn.f64", x, PortableExponential.InverseLn2));
        PtxRegister high = ptx.Op("sub.rn.f64", x, ptx.Op("mul.rn.f64", n, PortableExponential.Ln2High));
        PtxRegister r = ptx.Op("sub.rn.f64", high, ptx.Op("mul.rn.f64", n, PortableExponential.Ln2Low));
        PtxRegister r2 = ptx.Op("mul.rn.f64", r, r);
        PtxRegister r4 = ptx.Op("mul.rn.f64", r2, r2);
        PtxRegister w = MultiplyAdd(ptx, Four(ptx, 8, r, r2), r4, Four(ptx, 4, r, r2));
        w = MultiplyAdd(ptx, w, r4, Four(ptx, 0, r, r2));
        PtxRegister sum = ptx.Op("add.rn.f64", MultiplyAdd(ptx, w, r2, r), 1.0);
        PtxRegister result = ptx.Op("mul.rn.f64", sum, PowerOfTwo(ptx, ptx.Op("cvt.rni.s32.f64", n)));
        return ptx.Op("selp.f64", 0.0, result, isBelow);
    }

    /// <summary>log of a positive normal register.</summary>
    public static PtxRegister Log(PtxEmitter ptx, PtxRegister x)
    {
        (PtxRegister low, PtxRegister high) = ptx.Split(x);
        PtxRegister exponent = ptx.Op("sub.s32", ptx.Op("shr.u32", high, 20), 1023);
        PtxRegister fraction = ptx.Op("or.b32", ptx.Op("and.b32", high, 0x000FFFFF), 0x3FF00000);
        PtxRegister m = ptx.Join(low, fraction);
        PtxRegister isLarge = ptx.Op("setp.gt.f64", m, Math.Sqrt(2));
        m = ptx.Op("mul.rn.f64", m, ptx.Op("selp.f64", 0.5, 1.0, isLarge));
        PtxRegister n = ptx.Op("cvt.rn.f64.s32", ptx.Op("add.s32", exponent, ptx.Op("selp.b32", 1, 0, isLarge)));
        PtxRegister s = ptx.Op("div.rn.f64", ptx.Op("sub.rn.f64", m, 1.0), ptx.Op("add.rn.f64", m, 1.0));
        PtxRegister square = ptx.Op("mul.rn.f64", s, s);
        PtxRegister sum = ptx.Op("mov.f64", 1.0 / ((2 * LogTerms) + 1));
        for (int term = LogTerms - 1; term >= 0; term--)
        {
            sum = ptx.Op("add.rn.f64", ptx.Op("mul.rn.f64", sum, square), 1.0 / ((2 * term) + 1));
        }

        PtxRegister fractionLog = ptx.Op("mul.rn.f64", ptx.Op("mul.rn.f64", s, 2.0), sum);
        PtxRegister small = ptx.Op("add.rn.f64", fractionLog, ptx.Op("mul.rn.f64", n, PortableExponential.Ln2Low));
        return ptx.Op("add.rn.f64", ptx.Op("mul.rn.f64", n, PortableExponential.Ln2High), small);
    }

    // (c[i] + c[i + 1] r) + (c[i + 2] + c[i + 3] r) r^2.
    private static PtxRegister Four(PtxEmitter ptx, int first, PtxRegister r, PtxRegister r2)
    {
        PtxRegister low = MultiplyAdd(ptx, r, PortableExponential.Coefficients[first + 1], PortableExponential.Coefficients[first]);
        PtxRegister high = MultiplyAdd(ptx, r, PortableExponential.Coefficients[first + 3], PortableExponential.Coefficients[first + 2]);
        return MultiplyAdd(ptx, high, r2, low);
    }

    // Two roundings, as the CPU has them.
    private static PtxRegister MultiplyAdd(PtxEmitter ptx, PtxOperand a, PtxOperand b, PtxOperand c) => ptx.Op("add.rn.f64", ptx.Op("mul.rn.f64", a, b), c);

    private static PtxRegister PowerOfTwo(PtxEmitter ptx, PtxRegister exponent)
    {
        PtxRegister high = ptx.Op("shl.b32", ptx.Op("add.s32", exponent, 1023), 20);
        return ptx.Join(ptx.Op("mov.b32", 0), high);
    }
}
