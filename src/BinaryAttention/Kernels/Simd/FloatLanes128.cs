// 128-bit float lanes, portable.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Kernels.Simd;

internal readonly unsafe struct FloatLanes128 : IFloatLanes<Vector128<float>>
{
    public static int Count => 4;

    public static Vector128<float> Zero => Vector128<float>.Zero;

    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    public static void Store(Vector128<float> vector, float* destination) => vector.Store(destination);

    public static Vector128<float> Create(float value) => Vector128.Create(value);

    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    public static Vector128<float> Subtract(Vector128<float> left, Vector128<float> right) => left - right;

    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    // The estimate form fuses where there is an FMA unit and otherwise multiplies and adds, instead of emulating the fused rounding.
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) => Vector128.MultiplyAddEstimate(left, right, addend);

    public static Vector128<float> Max(Vector128<float> left, Vector128<float> right) => Vector128.MaxNative(left, right);

    public static Vector128<float> Round(Vector128<float> value) => Vector128.Round(value);

    public static Vector128<float> PowerOfTwo(Vector128<float> exponent) =>
        ((Vector128.ConvertToInt32Native(exponent) + Vector128.Create(127)) << 23).AsSingle();

    public static Vector128<float> ZeroWhereLess(Vector128<float> test, Vector128<float> limit, Vector128<float> value) =>
        Vector128.AndNot(value, Vector128.LessThan(test, limit));

    public static float Sum(Vector128<float> vector) => Vector128.Sum(vector);

    public static float MaxLane(Vector128<float> vector) => Math.Max(Math.Max(vector.GetElement(0), vector.GetElement(1)), Math.Max(vector.GetElement(2), vector.GetElement(3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FromBytes(byte* source)
    {
        Vector128<ushort> words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)source).AsByte());
        return Vector128.ConvertToSingle(Vector128.WidenLower(words).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector128<float> vector, byte* destination)
    {
        Vector128<int> rounded = Vector128.ConvertToInt32Native(Vector128.Round(vector));
        for (int lane = 0; lane < Count; lane++)
        {
            destination[lane] = (byte)rounded.GetElement(lane);
        }
    }
}
