// Four unsigned bytes times four signed bytes a lane: AVX-VNNI (vpdpbusd), which does not saturate in between.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Models.LinearAlgebra;

internal readonly unsafe struct ByteDots256 : IDotLanes<Vector256<int>>
{
    public static int Count => 8;

    public static Vector256<int> Zero => Vector256<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(int* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<int> value, int* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<int> activations, Vector256<int> weights) => AvxVnni.MultiplyWideningAndAdd(sums, activations.AsByte(), weights.AsSByte());
}
