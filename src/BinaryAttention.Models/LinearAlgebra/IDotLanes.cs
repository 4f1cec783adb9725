// Sums of integer products in 32-bit lanes, as the inner kernel of the 8-bit product sees them. A word of 32 bits holds a few consecutive channels of one row: four bytes, or two shorts where the
// processor has no byte product that does not saturate. Sums are exact in either form.
namespace BinaryAttention.Models.LinearAlgebra;

internal unsafe interface IDotLanes<TVector>
    where TVector : struct
{
    /// <summary>Lanes of a vector.</summary>
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(int* source);

    static abstract void Store(TVector value, int* destination);

    /// <summary>The same word in every lane.</summary>
    static abstract TVector Broadcast(int word);

    /// <summary>Adds, lane by lane, the products of the channels of two words: activations are unsigned, weights signed.</summary>
    static abstract TVector MultiplyAdd(TVector sums, TVector activations, TVector weights);
}
