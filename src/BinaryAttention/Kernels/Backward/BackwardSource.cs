// What tells one-bit from exact attention in the backward pass: where logits come from, what multiplies their gradients, and what is left to do with the results. Everything between is the same
// (SimdBackward).
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal abstract unsafe class BackwardSource : IDisposable
{
    /// <summary>Bytes of all buffers, those of every worker included.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <summary>Whether the products with logit gradients go by sign tables (<see cref="SignTables"/>); queries and keys are then given as patterns instead of panels.</summary>
    public virtual bool HasSignTables => false;

    /// <summary>Whether all queries of a head have the same weight.</summary>
    public virtual bool QueriesShareWeight => false;

    /// <summary>Whether all keys of a head have the same weight.</summary>
    public virtual bool KeysShareWeight => false;

    /// <summary>One weight per query, where sign tables are used.</summary>
    public virtual float* QueryWeights(int head) => null;

    /// <summary>One weight per key, where sign tables are used.</summary>
    public virtual float* KeyWeights(int keyHead) => null;

    /// <summary>The keys of the tile that a worker works on.</summary>
    public abstract KeySelection Selection(int worker);

    /// <summary>Prepares all queries.</summary>
    public abstract void SetQueries(TileLoop loop, CancellationToken cancellationToken);

    /// <summary>Prepares the logits' side of one (batch, key head) and gives what multiplies logit gradients into query gradients.</summary>
    /// <param name="keyHead">The pair.</param>
    /// <param name="worker">Who asks.</param>
    /// <param name="panels">Receives <c>[channel panel][padded key][panel]</c>, or pattern indices <c>[group of four keys][padded channel]</c>.</param>
    public abstract void SetKeys(int keyHead, int worker, float* panels);

    /// <summary>Gives what multiplies logit gradients into key gradients, scaled.</summary>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="firstQuery">First row of the tile.</param>
    /// <param name="queries">Rows.</param>
    /// <param name="panelRows">Rows of a panel.</param>
    /// <param name="panels">Receives <c>[channel panel][row][panel]</c>, or pattern indices <c>[group of four rows][padded channel]</c>.</param>
    public abstract void QueryPanels(int head, int firstQuery, int queries, int panelRows, float* panels);

    /// <summary>Fills exponentials, factors and inverse sums of a tile's rows for the selected keys.</summary>
    public abstract void Exponentials(BackwardScratch scratch, int worker, int head, int keyHead, int firstQuery, int queries);

    /// <summary>Turns the gradients of what <see cref="QueryPanels"/> stands for into those of the queries, in place.</summary>
    public abstract void FinishQueries(int head, TokenView gradient);

    /// <summary>Turns the gradients of what <see cref="SetKeys"/> stands for into those of the keys, in place.</summary>
    public abstract void FinishKeys(int keyHead, TokenView gradient);

    public abstract void Dispose();
}
