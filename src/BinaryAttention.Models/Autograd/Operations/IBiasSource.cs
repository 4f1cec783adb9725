namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>Where a bias of an attention call comes from, and where its gradient goes.</summary>
internal interface IBiasSource
{
    /// <summary>Whether the gradient is wanted.</summary>
    bool NeedsGradient { get; }

    /// <summary>The bias of this call.</summary>
    AttentionBias Create();

    /// <summary>Adds the gradient of the bias's values, and of its key factors if it has low rank.</summary>
    void Add(ReadOnlySpan<float> gradient, ReadOnlySpan<float> keyFactors);
}
