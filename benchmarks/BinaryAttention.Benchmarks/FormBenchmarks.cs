using BenchmarkDotNet.Attributes;

namespace BinaryAttention.Benchmarks;

/// <summary>What weights, biases, masks and quantisations cost, d = dv = 64, one thread.</summary>
public class FormBenchmarks
{
    private const int HeadDimension = 64;
    private const int Grid = 32;
    private const int Length = Grid * Grid;
    private static readonly AttentionShape Shape = new(1, 1, Length, Length, HeadDimension, HeadDimension);

    private readonly float[] _query = Operands.Normal(1, Length * HeadDimension);
    private readonly float[] _key = Operands.Normal(2, Length * HeadDimension);
    private readonly float[] _value = Operands.Normal(3, Length * HeadDimension);
    private readonly float[] _destination = new float[Length * HeadDimension];
    private readonly BinaryAttentionOptions _plain = new() { MaxDegreeOfParallelism = 1 };
    private readonly AttentionBias _perKey = AttentionBias.PerKey(Operands.Normal(4, Length), 1, 1, Length);
    private readonly AttentionBias _relative = AttentionBias.RelativePosition(Operands.Normal(5, ((2 * Grid) - 1) * ((2 * Grid) - 1)), 1, Grid, Grid, hasClassToken: false);

    [Benchmark(Baseline = true)]
    public void Plain() => Run(_plain);

    [Benchmark]
    public void Causal() => Run(_plain with { Mask = AttentionMask.Causal });

    [Benchmark]
    public void RelativeBias() => Run(_plain with { Bias = _relative });

    [Benchmark]
    public void PerTokenWeights() => Run(_plain with { Weighting = SignWeighting.MeanMagnitudePerToken });

    [Benchmark]
    public void CalibratedForm() => Run(_plain with { Weighting = SignWeighting.PerTokenQuery, Bias = _perKey });

    [Benchmark]
    public void FullQuantization() => Run(_plain with { Quantization = ValueQuantization.Full });

    [Benchmark]
    public void TrainingParity() => Run(_plain with { Quantization = ValueQuantization.TrainingParity });

    private void Run(BinaryAttentionOptions options) => Attention.BinaryScaledDotProduct(_query, _key, _value, _destination, Shape, options);
}
