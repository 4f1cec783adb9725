// Portable 128-bit vectors. SSE2 has the pairwise multiply-add; elsewhere (AdvSimd) two 32-bit products per lane are formed from the even and the odd 16-bit halves.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct IntegerLanes128 : IIntegerLanes<Vector128<int>>
{
    public static int Channels => 4;

    public static int GroupKeys => 2;

    public static Vector128<int> Load(int* source) => Vector128.Load(source);

    public static void Store(Vector128<int> vector, int* destination) => vector.Store(destination);

    public static Vector128<int> BroadcastProbabilities(byte* group) => Vector128.Create(*(int*)group);

    public static Vector128<int> LoadValues(sbyte* values) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)values).AsSByte()).AsInt32();

    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<int> probabilities, Vector128<int> values) =>
        Sse2.IsSupported ? sums + Sse2.MultiplyAddAdjacent(probabilities.AsInt16(), values.AsInt16()) : MultiplyAddPortable(sums, probabilities, values);

    /// <summary>The form without SSE2, apart so that x64 machines can test it.</summary>
    public static Vector128<int> MultiplyAddPortable(Vector128<int> sums, Vector128<int> probabilities, Vector128<int> values)
    {
        Vector128<int> even = ((probabilities << 16) >> 16) * ((values << 16) >> 16);
        Vector128<int> odd = (probabilities >> 16) * (values >> 16);
        return sums + even + odd;
    }
}
