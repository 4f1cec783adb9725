// One way of running a model, timed as a whole and by stages.
using BinaryAttention.Cli.Recognition;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed class ModelCase
{
    private readonly VisionTransformer _model;
    private readonly float[] _images;
    private readonly float[] _logits;
    private readonly StageTimes _times = new();

    public ModelCase(VisionTransformer loaded, int imageSize, AttentionMode attention, ValueQuantization quantization, LinearPrecision linear, int batch, int threads, int seed)
    {
        (Attention, Linear) = (attention, linear);
        _model = loaded.With(new VisionTransformerOptions
        {
            Attention = attention == AttentionMode.Exact ? AttentionChoice.Exact : AttentionChoice.All(attention == AttentionMode.EightBit ? LayerAttention.EightBitWith(quantization) : LayerAttention.OneBit(quantization)),
            LinearPrecision = linear,
            ImageHeight = imageSize,
            ImageWidth = imageSize,
            MaxDegreeOfParallelism = threads,
            Times = _times,
        });
        _images = GaussianInputs.Normal(new Random(seed), (long)batch * _model.ImageLength, "images");
        _logits = new float[batch * _model.Configuration.ClassCount];
    }

    public AttentionMode Attention { get; }

    public LinearPrecision Linear { get; }

    public int ImageSize => _model.Configuration.ImageHeight;

    public int TokenCount => _model.Configuration.TokenCount;

    /// <summary>Managed bytes that the latest measured run allocated, on all threads.</summary>
    public long AllocatedBytes { get; private set; }

    public double AttentionShare => (double)_times.Attention / _times.All;

    public double EmbeddingShare => (double)_times.Embedding / _times.All;

    public void Run() => _model.Forward(_images, _logits);

    /// <summary>One run whose allocations are counted; the stages are counted from here on.</summary>
    public void StartCounting()
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Run();
        AllocatedBytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        (_times.Attention, _times.Embedding, _times.Rows) = (0, 0, 0);
    }
}
