// AVX2: as the 512-bit form, on half the lanes.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct IntegerLanes256 : IIntegerLanes<Vector256<int>>
{
    public static int Channels => 8;

    public static int GroupKeys => 2;

    public static Vector256<int> Load(int* source) => Vector256.Load(source);

    public static void Store(Vector256<int> vector, int* destination) => vector.Store(destination);

    public static Vector256<int> BroadcastProbabilities(byte* group) => Vector256.Create(*(int*)group);

    public static Vector256<int> LoadValues(sbyte* values) => Avx2.ConvertToVector256Int16(Vector128.Load(values)).AsInt32();

    public static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<int> probabilities, Vector256<int> values) =>
        sums + Avx2.MultiplyAddAdjacent(probabilities.AsInt16(), values.AsInt16());
}
