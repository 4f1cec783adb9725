using BinaryAttention.Models.Layers;

namespace BinaryAttention.Models.Vision;

/// <summary>How a loaded model is run: its attention, the backend, the numbers of its linear layers, the image size, the threads.</summary>
public sealed record VisionTransformerOptions
{
    /// <summary>Exact or one-bit attention, for all blocks or for each.</summary>
    public AttentionChoice Attention { get; init; } = AttentionChoice.Exact;

    /// <summary>What computes the attention; the CPU by default.</summary>
    public IAttentionBackend Backend { get; init; } = CpuAttentionBackend.Instance;

    /// <summary>In which numbers the linear layers of the blocks multiply; single precision by default.</summary>
    public LinearPrecision LinearPrecision { get; init; }

    /// <summary>Sees queries, keys and values of every layer while the model runs; nobody if null.</summary>
    public IAttentionObserver? Observer { get; init; }

    /// <summary>Rows of pixels of the images; null for those of the checkpoint. Another size resizes the position embedding and the relative tables.</summary>
    public int? ImageHeight { get; init; }

    /// <summary>Columns of pixels of the images; null for those of the checkpoint.</summary>
    public int? ImageWidth { get; init; }

    /// <summary>How the position embedding is resized where the image size differs from the checkpoint's.</summary>
    public PositionResize PositionResize { get; init; }

    /// <summary>Most threads used by one call, at least 1; null means one per processor. The result has the same bits at any number.</summary>
    public int? MaxDegreeOfParallelism { get; init; }

    /// <summary>Receives the times of the stages; nobody measures if null.</summary>
    internal StageTimes? Times { get; init; }
}
