// Two shorts times two shorts a lane in 128 bits: SSE2 (pmaddwd), or plain 32-bit products on other processors.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Models.LinearAlgebra;

internal readonly unsafe struct ShortDots128 : IDotLanes<Vector128<int>>
{
    public static int Count => 4;

    public static Vector128<int> Zero => Vector128<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(int* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<int> value, int* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Broadcast(int word) => Vector128.Create(word);

    // Elsewhere the halves of a word are sign-extended and multiplied apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<int> activations, Vector128<int> weights) => Sse2.IsSupported
        ? sums + Sse2.MultiplyAddAdjacent(activations.AsInt16(), weights.AsInt16())
        : sums + (((activations << 16) >> 16) * ((weights << 16) >> 16)) + ((activations >> 16) * (weights >> 16));
}
