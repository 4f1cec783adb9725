namespace BinaryAttention.Models.Training.Configuration;

/// <summary>The network: a checkpoint to start from, or the sizes of a new one. With a checkpoint only <see cref="Heads"/> and <see cref="DropPath"/> are read besides.</summary>
public sealed record ModelSection
{
    /// <summary>A ViT or DeiT checkpoint whose weights and sizes the run starts from; a new network if null.</summary>
    public string? Checkpoint { get; set; }

    /// <summary>Pixels a side, a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageSize { get; set; } = 28;

    /// <summary>1 for grey pictures, 3 for colour.</summary>
    public int Channels { get; set; } = 1;

    /// <summary>Pixels along a side of a patch.</summary>
    public int PatchSize { get; set; } = 4;

    /// <summary>Channels of a token.</summary>
    public int Dimension { get; set; } = 128;

    /// <summary>Transformer blocks.</summary>
    public int Depth { get; set; } = 4;

    /// <summary>Attention heads. With a checkpoint: its heads, where its file does not say; 0 reads them off the file.</summary>
    public int Heads { get; set; }

    /// <summary>Hidden channels of the perceptrons over <see cref="Dimension"/>.</summary>
    public double MlpRatio { get; set; } = 4;

    /// <summary>Classes of the head.</summary>
    public int Classes { get; set; } = 10;

    /// <summary>Probability that the last block is left out for a picture (stochastic depth), growing linearly from 0 at the first block; in [0, 1).</summary>
    public double DropPath { get; set; }
}
