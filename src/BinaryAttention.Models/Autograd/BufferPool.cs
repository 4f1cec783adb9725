using System.Numerics;

namespace BinaryAttention.Models.Autograd;

/// <summary>
/// Memory of values and gradients, kept from step to step so that a training loop allocates in its first step only. Sizes are rounded up to an eighth of a power of two, so that steps of
/// slightly different sizes share buffers. For one thread at a time.
/// </summary>
public sealed class BufferPool
{
    private const int SmallestLength = 64;
    private readonly Dictionary<int, Stack<PooledBuffer>> _free = [];

    /// <summary>Bytes in use now.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Most bytes that were in use at a time since the last <see cref="ResetPeak"/>.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes that the pool holds, in use or not.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>Starts a new measurement of <see cref="PeakBytes"/>.</summary>
    public void ResetPeak() => PeakBytes = UsedBytes;

    /// <summary>Lets go of everything that is not in use.</summary>
    public void Trim()
    {
        HeldBytes = UsedBytes;
        _free.Clear();
    }

    /// <summary>A buffer with undefined content.</summary>
    internal PooledBuffer Rent(int length)
    {
        int capacity = Capacity(length);
        if (!_free.TryGetValue(capacity, out Stack<PooledBuffer>? stack) || !stack.TryPop(out PooledBuffer? buffer))
        {
            buffer = new PooledBuffer(capacity);
            HeldBytes += (long)capacity * sizeof(float);
        }

        (buffer.Length, buffer.Shares) = (length, 1);
        UsedBytes += (long)capacity * sizeof(float);
        PeakBytes = Math.Max(PeakBytes, UsedBytes);
        return buffer;
    }

    /// <summary>Gives up one share; the last one puts the buffer back.</summary>
    internal void Return(PooledBuffer buffer)
    {
        buffer.Shares--;
        if (buffer.Shares > 0)
        {
            return;
        }

        UsedBytes -= (long)buffer.Capacity * sizeof(float);
        if (!_free.TryGetValue(buffer.Capacity, out Stack<PooledBuffer>? stack))
        {
            _free.Add(buffer.Capacity, stack = new Stack<PooledBuffer>());
        }

        stack.Push(buffer);
    }

    private static int Capacity(int length)
    {
        if (length <= SmallestLength)
        {
            return SmallestLength;
        }

        int step = 1 << Math.Max(0, BitOperations.Log2((uint)length - 1) - 3);
        return (int)Math.Min(Array.MaxLength - SmallestLength, ((long)length + step - 1) / step * step);
    }
}
