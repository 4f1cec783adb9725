// The byte operations of one vector width that Hamming distances are made of.
namespace BinaryAttention.Kernels.Simd;

internal unsafe interface IByteLanes<TVector>
    where TVector : struct
{
    /// <summary>Bytes of a vector, which is keys looked up at once; divides a block of 64 keys.</summary>
    static abstract int Width { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(byte* source);

    static abstract void Store(TVector vector, byte* destination);

    static abstract TVector Add(TVector left, TVector right);

    /// <summary>A query's table of one plane, as the lookup wants it.</summary>
    static abstract TVector LoadTable(byte* table);

    /// <summary>table[code] in every byte.</summary>
    static abstract TVector Lookup(TVector table, TVector codes);
}
