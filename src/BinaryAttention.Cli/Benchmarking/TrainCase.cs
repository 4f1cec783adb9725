// One way of training a model, timed by whole steps: forward, backward, AdamW. Random images and labels: what a step costs depends on the shapes alone.
using System.Diagnostics;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Benchmarking;

internal sealed class TrainCase
{
    private readonly TrainableVisionTransformer _model;
    private readonly Workspace _workspace;
    private readonly AdamW _optimizer;
    private readonly float[] _images;
    private readonly int[] _labels;
    private readonly List<double> _forward = [];
    private readonly List<double> _backward = [];

    public TrainCase(VisionTransformerConfiguration configuration, string attention, LayerAttention layer, bool recomputes, int batch, int threads, int seed)
    {
        Attention = attention;
        _model = new TrainableVisionTransformer(configuration, new TrainableVisionTransformerOptions { Attention = AttentionChoice.All(layer), RecomputesBlocks = recomputes, Randomness = new Randomness(seed) });
        _workspace = new Workspace(threads);
        _optimizer = new AdamW(_model.Parameters, new AdamOptions { WeightDecay = 0.05 });
        var random = new Random(seed);
        _images = GaussianInputs.Normal(random, (long)batch * _model.ImageLength, "images");
        _labels = [.. Enumerable.Range(0, batch).Select(_ => random.Next(configuration.ClassCount))];
    }

    public string Attention { get; }

    public VisionTransformerConfiguration Configuration => _model.Configuration;

    public double ForwardMedian => Medians.Of(_forward);

    public double BackwardMedian => Medians.Of(_backward);

    public long PeakBytes => _workspace.Buffers.PeakBytes;

    /// <summary>Operations of the backward pass in the latest measured step, longest first.</summary>
    public IEnumerable<(string Operation, double Milliseconds)> Longest => _workspace.Times!.Longest;

    public void Run()
    {
        _workspace.Times?.Clear();
        _model.Parameters.ZeroGradients();
        long start = Stopwatch.GetTimestamp();
        using var tape = new Tape(_workspace);
        Variable loss = LossFunctions.CrossEntropy(_model.Forward(tape, _images), _labels);
        long middle = Stopwatch.GetTimestamp();
        tape.Backward(loss);
        _forward.Add(Stopwatch.GetElapsedTime(start, middle).TotalMilliseconds);
        _backward.Add(Stopwatch.GetElapsedTime(middle).TotalMilliseconds);
        _optimizer.Step(1e-5, _workspace);
    }

    /// <summary>Forgets the warm-up.</summary>
    public void StartCounting()
    {
        _forward.Clear();
        _backward.Clear();
        _workspace.Times = new OperationTimes();
    }
}
