// What the trained network sees in some pictures: its class, and the attention of its class token in every layer and head, taken from the run of the network itself.
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Training.Data;
using BinaryAttention.Models.Training.Evaluation;
using BinaryAttention.Models.Training.Runs;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Reports;

internal static class TrainingPictures
{
    public static IReadOnlyList<TrainingPicture> Take(RunReader run, int count, CancellationToken cancellationToken)
    {
        var observer = new ClassRows();
        VisionTransformer model = VisionTransformer.Load(run.Folder.ModelPath, options: new VisionTransformerOptions { Attention = NetworkFactory.Attention(run.Configuration.Attention), Observer = observer });
        var data = new TrainingData(run.Configuration.Data, run.Configuration.Augmentation, model.Configuration);
        ImageSet set = data.Test ?? data.Select ?? data.Train;
        var pictures = new List<TrainingPicture>();
        var pixels = new float[data.Pipeline.Length];
        for (int i = 0; i < Math.Min(count, set.Count); i++)
        {
            observer.Layers.Clear();
            data.Pipeline.Measure(set.Image(i), pixels);
            float[] logits = model.Forward(pixels, cancellationToken);
            pictures.Add(new TrainingPicture(set.Image(i).ToRgb(), set.Label(i), ModelMeasurer.First(logits), model.Configuration.HeadCount, [.. observer.Layers]));
        }

        return pictures;
    }

    /// <summary>Keeps the class token's row of every layer and head, without the special tokens' columns.</summary>
    private sealed class ClassRows : IAttentionObserver
    {
        public List<float[]> Layers { get; } = [];

        public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
        {
            float[] rows = AttentionMap.FirstRows(query, key, shape, options, 1, cancellationToken);
            int keys = shape.KeyLength, patches = (int)Math.Sqrt(keys - 1);
            patches *= patches;
            Layers.Add([.. Enumerable.Range(0, shape.HeadCount).SelectMany(head => rows[((head * keys) + keys - patches)..((head + 1) * keys)])]);
        }
    }
}
