// AVX-512 BW without VNNI: probabilities widened to 16 bits beforehand, values on load, vpmaddwd sums two keys into a 32-bit lane. Exact: 2 * 255 * 127 fits easily.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct IntegerLanes512 : IIntegerLanes<Vector512<int>>
{
    public static int Channels => 16;

    public static int GroupKeys => 2;

    public static Vector512<int> Load(int* source) => Vector512.Load(source);

    public static void Store(Vector512<int> vector, int* destination) => vector.Store(destination);

    public static Vector512<int> BroadcastProbabilities(byte* group) => Vector512.Create(*(int*)group);

    public static Vector512<int> LoadValues(sbyte* values) => Avx512BW.ConvertToVector512Int16(Vector256.Load(values)).AsInt32();

    public static Vector512<int> MultiplyAdd(Vector512<int> sums, Vector512<int> probabilities, Vector512<int> values) =>
        sums + Avx512BW.MultiplyAddAdjacent(probabilities.AsInt16(), values.AsInt16());
}
