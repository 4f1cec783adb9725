namespace BinaryAttention.Models.Vision;

/// <summary>The attention of every block of a model: one for all, or one for each.</summary>
public sealed class AttentionChoice
{
    private readonly LayerAttention[] _layers;
    private readonly bool _same;

    private AttentionChoice(LayerAttention[] layers, bool same)
    {
        _layers = layers;
        _same = same;
    }

    /// <summary>Exact attention everywhere.</summary>
    public static AttentionChoice Exact { get; } = All(LayerAttention.Exact);

    /// <summary>The same attention in every block.</summary>
    /// <param name="attention">The attention.</param>
    public static AttentionChoice All(LayerAttention attention)
    {
        ArgumentNullException.ThrowIfNull(attention);
        return new AttentionChoice([attention], same: true);
    }

    /// <summary>One attention for each block, in order.</summary>
    /// <param name="attentions">As many as the model has blocks.</param>
    public static AttentionChoice PerLayer(IEnumerable<LayerAttention> attentions)
    {
        ArgumentNullException.ThrowIfNull(attentions);
        LayerAttention[] layers = [.. attentions];
        int missing = Array.IndexOf(layers, null);
        return missing < 0 ? new AttentionChoice(layers, same: false) : throw new ArgumentException($"attentions[{missing}] is null; every block needs one.", nameof(attentions));
    }

    /// <summary>The attention of every block of a model of the given depth.</summary>
    /// <param name="depth">Blocks of the model.</param>
    /// <exception cref="ArgumentException">The choice was made for another depth.</exception>
    public IReadOnlyList<LayerAttention> ForDepth(int depth)
    {
        if (_same)
        {
            var layers = new LayerAttention[depth];
            Array.Fill(layers, _layers[0]);
            return layers;
        }

        return _layers.Length == depth
            ? _layers
            : throw new ArgumentException($"The attention was chosen for {_layers.Length} layers; the model has {depth}. Give one per layer, or one for all.", nameof(depth));
    }
}
