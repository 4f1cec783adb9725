// exp(x) for x <= 0 in float32: n = round(x / ln 2), r = x - n ln 2 in two parts, a degree-6 polynomial on |r| <= 0.347, times 2^n. Within about one unit in the last place; below
// -87.3 (the end of the normal numbers) it gives 0, NaN stays NaN. Coefficients are 1, 1, 1/2, then the minimax fit of the relative error on the interval (4e-9, 0.03 units).
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static class FloatExponential<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp(TVector x)
    {
        TVector n = TLanes.Round(TLanes.Multiply(x, TLanes.Create(1.44269504f)));
        TVector r = TLanes.MultiplyAdd(n, TLanes.Create(-0.693359375f), x);
        r = TLanes.MultiplyAdd(n, TLanes.Create(2.12194440e-4f), r);
        TVector p = TLanes.Create(1.3863761e-3f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(8.3675096e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(4.1667238e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(1.6666535e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(0.5f));
        p = TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), TLanes.Add(r, TLanes.Create(1f)));
        return TLanes.ZeroWhereLess(x, TLanes.Create(-87.3f), TLanes.Multiply(p, TLanes.PowerOfTwo(n)));
    }
}
