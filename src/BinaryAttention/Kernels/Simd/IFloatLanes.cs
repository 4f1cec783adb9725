// The float operations of one vector width. Kernels written against it are compiled once per width; the type parameters are structs, so nothing is called through a table.
namespace BinaryAttention.Kernels.Simd;

internal unsafe interface IFloatLanes<TVector>
    where TVector : struct
{
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(float* source);

    static abstract void Store(TVector vector, float* destination);

    static abstract TVector Create(float value);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    /// <summary>left * right + addend, fused where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    /// <summary>The larger of each lane; which operand a NaN lane gives is not defined.</summary>
    static abstract TVector Max(TVector left, TVector right);

    /// <summary>Round to nearest, half to even.</summary>
    static abstract TVector Round(TVector value);

    /// <summary>2^n for integral lanes in [-126, 127].</summary>
    static abstract TVector PowerOfTwo(TVector exponent);

    /// <summary><paramref name="value"/>, but 0 in lanes where <paramref name="test"/> lies below <paramref name="limit"/>; NaN compares false.</summary>
    static abstract TVector ZeroWhereLess(TVector test, TVector limit, TVector value);

    static abstract float Sum(TVector vector);

    static abstract float MaxLane(TVector vector);

    /// <summary>Unsigned bytes to floats.</summary>
    static abstract TVector FromBytes(byte* source);

    /// <summary>Floats in [0, 255] to bytes, round half to even.</summary>
    static abstract void StoreBytes(TVector vector, byte* destination);
}
