// The attention of every block of a pass, on the library's own CPU backend through plans: nothing is set up or allocated while the pass runs, and all plans share the pass's threads. Blocks with
// equal options share a plan, and with it its memory. Other backends, and observed ones, are called through their interface.
using BinaryAttention.Threading;

namespace BinaryAttention.Models.Layers;

internal sealed class PlannedAttention
{
    private readonly AttentionShape _shape;
    private readonly IReadOnlyList<AttentionOptions> _options;
    private readonly IAttentionBackend _backend;
    private readonly AttentionPlan?[] _plans;
    private readonly TileLoop _loop;

    /// <summary>Prepares nothing yet.</summary>
    /// <param name="shape">Sizes, with token strides for operands side by side.</param>
    /// <param name="options">The options of every block.</param>
    /// <param name="backend">What computes the attention.</param>
    /// <param name="loop">The threads of the pass.</param>
    public PlannedAttention(in AttentionShape shape, IReadOnlyList<AttentionOptions> options, IAttentionBackend backend, TileLoop loop)
    {
        (_shape, _options, _backend, _loop) = (shape, options, backend, loop);
        _plans = new AttentionPlan?[options.Count];
    }

    /// <summary>Computes one block's attention.</summary>
    /// <param name="block">The block.</param>
    /// <param name="backend">A backend to use instead of the pass's, or null.</param>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Receives the output.</param>
    /// <param name="cancellationToken">Checked between tiles.</param>
    public void Run(int block, IAttentionBackend? backend, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, CancellationToken cancellationToken)
    {
        backend ??= _backend;
        if (backend is CpuAttentionBackend)
        {
            AttentionPlan plan = _plans[block] ??= Plan(block);
            plan.SetKeyValue(key, value, cancellationToken);
            plan.Run(query, destination, cancellationToken: cancellationToken);
        }
        else if (_options[block] is BinaryAttentionOptions binary)
        {
            backend.BinaryScaledDotProduct(query, key, value, destination, _shape, binary, default, cancellationToken);
        }
        else if (_options[block] is EightBitAttentionOptions eightBit)
        {
            backend.EightBitScaledDotProduct(query, key, value, destination, _shape, eightBit, default, cancellationToken);
        }
        else
        {
            backend.ScaledDotProduct(query, key, value, destination, _shape, _options[block], default, cancellationToken);
        }
    }

    private AttentionPlan Plan(int block)
    {
        for (int other = 0; other < _plans.Length; other++)
        {
            if (_plans[other] is { } plan && _options[other] == _options[block])
            {
                return plan;
            }
        }

        return AttentionPlan.Create(_shape, _options[block], _loop);
    }
}
