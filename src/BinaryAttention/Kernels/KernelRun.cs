// The three phases of a kernel, in the order in which a plan calls them. SetKeyValue must copy what it needs (its operands may move afterwards);
// SetQuery and Attend run inside one pinned scope, so SetQuery may keep its view until Attend returns.
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels;

internal abstract unsafe class KernelRun : IDisposable
{
    /// <summary>Bytes that packed keys and values take.</summary>
    public abstract long PackedBytes { get; }

    /// <summary>Packs keys and values: bits, magnitudes, key codes, value quantisation and layout.</summary>
    public abstract void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken);

    /// <summary>Packs queries: bits and magnitudes.</summary>
    public abstract void SetQuery(TokenView query, CancellationToken cancellationToken);

    /// <summary>Computes the output rows and, unless the pointer is null, their log-sum-exp.</summary>
    public abstract void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken);

    public abstract void Dispose();
}
