namespace BinaryAttention.Models.Vision;

/// <summary>
/// What the tensors of a checkpoint cannot say about the model, and which of several models in one file is meant. Everything may stay null: then the file's metadata
/// decides, else the default of the checkpoint's naming.
/// </summary>
public sealed record CheckpointOptions
{
    /// <summary>
    /// Takes the tensors whose names begin with this and a dot, and drops both from the names: <c>model_ema</c> for <c>{"model": {...}, "model_ema": {...}}</c>,
    /// <c>module</c> for the names of a model trained on several devices. Null takes all tensors if they are one model, else the only model below any prefix.
    /// </summary>
    public string? Prefix { get; init; }

    /// <summary>Attention heads. Null: a relative-position table's, the metadata <c>num_heads</c>, or one head for every 64 channels of a query.</summary>
    public int? HeadCount { get; init; }

    /// <summary>The function in the perceptrons. Null: the metadata <c>activation</c> (<c>gelu</c>, <c>relu</c>), or <see cref="MlpActivation.Gelu"/>.</summary>
    public MlpActivation? Activation { get; init; }

    /// <summary>Colour channels, for checkpoints that hold the patch projection as a matrix. Null: the metadata <c>channels</c>, or 3 if patches of 3 channels can be square, else 1.</summary>
    public int? ChannelCount { get; init; }

    /// <summary>Added to the variance in every layer norm. Null: the metadata <c>layer_norm_epsilon</c>, or 1e-6 with the official names, 1e-5 with those of vit-pytorch.</summary>
    public float? LayerNormEpsilon { get; init; }

    /// <summary>Whether anything about the model itself is set.</summary>
    internal bool DescribesModel => HeadCount is not null || Activation is not null || ChannelCount is not null || LayerNormEpsilon is not null;
}
