// What a call's options hold in host memory and the kernels read on the device: lengths, bias, learned weights, masks. One list serves single calls and plans.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Kernels;

namespace BinaryAttention.Cuda.Hosting;

internal static class OptionOperands
{
    /// <summary>The operands; empty where the call has none. The arrays and memories must stay alive while the bytes are in use.</summary>
    public static ReadOnlyMemory<byte>[] Of(AttentionSpecification call) =>
    [
        Bytes<int>(call.Mask.KeyLengths),
        Bytes<int>(call.Mask.QueryLengths),
        Bytes(call.Bias?.Values ?? default),
        Bytes(call.Weighting.RowWeights),
        Bytes(call.Weighting.ColumnWeights),
        Bytes(call.Mask.Pairs),
        Bytes(call.Mask.Blocks),
    ];

    /// <summary>Puts the operands' addresses, in the order of <see cref="Of"/>, into a call's pointers; 0 where there is none.</summary>
    public static DevicePointers Place(DevicePointers pointers, ReadOnlySpan<ulong> addresses) => pointers with
    {
        KeyLengths = addresses[0],
        QueryLengths = addresses[1],
        Bias = addresses[2],
        RowWeights = addresses[3],
        ColumnWeights = addresses[4],
        Pairs = addresses[5],
        Blocks = addresses[6],
    };

    private static ReadOnlyMemory<byte> Bytes<T>(ReadOnlyMemory<T> memory)
        where T : unmanaged => memory.IsEmpty ? default : new CastMemory<T>(memory).Memory;

    // The same memory seen as bytes.
    private sealed class CastMemory<T>(ReadOnlyMemory<T> source) : System.Buffers.MemoryManager<byte>
        where T : unmanaged
    {
        private readonly ReadOnlyMemory<T> _source = source;

        public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(MemoryMarshal.AsMemory(_source).Span);

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => _source.Pin();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
