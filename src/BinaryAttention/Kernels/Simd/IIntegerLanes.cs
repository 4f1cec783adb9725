// The multiply-accumulate of 8-bit probabilities and values on one instruction set. One operation multiplies a broadcast group of probabilities by the same keys' values of
// several channels and adds the exact products into 32-bit lanes, one lane a channel.
namespace BinaryAttention.Kernels.Simd;

internal unsafe interface IIntegerLanes<TVector>
    where TVector : struct
{
    /// <summary>32-bit lanes of a vector, which is channels per vector.</summary>
    static abstract int Channels { get; }

    /// <summary>Keys that one operation sums: 4 (bytes) or 2 (16-bit).</summary>
    static abstract int GroupKeys { get; }

    static abstract TVector Load(int* source);

    static abstract void Store(TVector vector, int* destination);

    /// <summary>Repeats the four bytes that hold one group of probabilities.</summary>
    static abstract TVector BroadcastProbabilities(byte* group);

    /// <summary>Values of one key group, <see cref="Channels"/> channels times <see cref="GroupKeys"/> keys, as the operation wants them.</summary>
    static abstract TVector LoadValues(sbyte* values);

    /// <summary>sums + probabilities . values.</summary>
    static abstract TVector MultiplyAdd(TVector sums, TVector probabilities, TVector values);
}
