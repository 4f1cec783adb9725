// AVX-VNNI: vpdpbusd multiplies four unsigned by four signed bytes and adds into a 32-bit lane, exactly and without saturation.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct IntegerLanesVnni : IIntegerLanes<Vector256<int>>
{
    public static int Channels => 8;

    public static int GroupKeys => 4;

    public static Vector256<int> Load(int* source) => Vector256.Load(source);

    public static void Store(Vector256<int> vector, int* destination) => vector.Store(destination);

    public static Vector256<int> BroadcastProbabilities(byte* group) => Vector256.Create(*(int*)group);

    public static Vector256<int> LoadValues(sbyte* values) => Vector256.Load(values).AsInt32();

    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<int> probabilities, Vector256<int> values) =>
        AvxVnni.MultiplyWideningAndAdd(sums, probabilities.AsByte(), values.AsSByte());
}
