namespace TestKit.Cuda;

/// <summary>What a <see cref="FakeDriver"/> takes for device memory.</summary>
public interface IFakeMemory
{
    /// <summary>A new piece with undefined content, aligned to 256.</summary>
    /// <param name="bytes">Its length.</param>
    /// <returns>Its address.</returns>
    ulong Allocate(long bytes);

    /// <summary>Gives a piece back.</summary>
    /// <param name="address">Its address.</param>
    void Free(ulong address);

    /// <summary>Copies from the host.</summary>
    /// <param name="address">Any place within a piece.</param>
    /// <param name="source">The bytes.</param>
    void Write(ulong address, ReadOnlySpan<byte> source);

    /// <summary>Copies to the host.</summary>
    /// <param name="address">Any place within a piece.</param>
    /// <param name="destination">Receives the bytes.</param>
    void Read(ulong address, Span<byte> destination);

    /// <summary>Sets bytes to one value.</summary>
    /// <param name="address">Any place within a piece.</param>
    /// <param name="value">The value.</param>
    /// <param name="bytes">How many.</param>
    void Fill(ulong address, byte value, long bytes);
}
