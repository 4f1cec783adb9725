// The few float32 vector operations that the layers are written in. Each width implements them as a struct, so that a method that is generic over the
// struct is compiled once per width with every call inlined.
namespace BinaryAttention.Models.LinearAlgebra;

internal unsafe interface IVectorOperations<TVector>
    where TVector : struct
{
    /// <summary>Lanes of a vector.</summary>
    static abstract int Count { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(TVector value, float* destination);

    /// <summary>The same number in every lane.</summary>
    static abstract TVector Broadcast(float value);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    /// <summary><c>left * right + addend</c>, rounded once where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    static abstract TVector Abs(TVector value);

    /// <summary>The smaller lane by lane; which one a NaN gives is left to the processor.</summary>
    static abstract TVector Min(TVector left, TVector right);

    /// <summary>The larger lane by lane; which one a NaN gives is left to the processor.</summary>
    static abstract TVector Max(TVector left, TVector right);

    /// <summary>Reads integers and converts them, rounding to nearest where they have more than 24 bits.</summary>
    static abstract TVector LoadIntegers(int* source);

    /// <summary>Rounds to the nearest integer, ties to even, and writes one byte a lane; values must lie in [0, 255].</summary>
    static abstract void StoreBytes(TVector value, byte* destination);

    /// <summary>2 to the power <paramref name="value"/> rounded to the nearest integer, which must lie in [-126, 127]; also gives that integer.</summary>
    static abstract TVector PowerOfTwo(TVector value, out TVector rounded);

    /// <summary>Sum over the lanes.</summary>
    static abstract float Sum(TVector value);

    /// <summary>Smallest lane.</summary>
    static abstract float Smallest(TVector value);

    /// <summary>Largest lane.</summary>
    static abstract float Largest(TVector value);
}
