using BenchmarkDotNet.Attributes;

namespace BinaryAttention.Benchmarks;

/// <summary>Exact against one-bit attention over the lengths of pictures and volumes, one thread, packing included: what one call costs.</summary>
[MemoryDiagnoser]
public class AttentionBenchmarks
{
    private float[] _query = [];
    private float[] _key = [];
    private float[] _value = [];
    private float[] _destination = [];
    private AttentionShape _shape;

    [Params(197, 1024, 4096)]
    public int Length { get; set; }

    [Params(64, 128)]
    public int HeadDimension { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _shape = new AttentionShape(1, 1, Length, Length, HeadDimension, HeadDimension);
        (_query, _key, _value) = (Operands.Normal(1, Length * HeadDimension), Operands.Normal(2, Length * HeadDimension), Operands.Normal(3, Length * HeadDimension));
        _destination = new float[Length * HeadDimension];
    }

    [Benchmark(Baseline = true)]
    public void Exact() => Attention.ScaledDotProduct(_query, _key, _value, _destination, _shape, new AttentionOptions { MaxDegreeOfParallelism = 1 });

    [Benchmark]
    public void OneBit() => Attention.BinaryScaledDotProduct(_query, _key, _value, _destination, _shape, new BinaryAttentionOptions { MaxDegreeOfParallelism = 1 });

    [Benchmark]
    public void OneBitPortable() => Attention.BinaryScaledDotProduct(_query, _key, _value, _destination, _shape, new BinaryAttentionOptions { MaxDegreeOfParallelism = 1, Kernel = "simd" });
}
