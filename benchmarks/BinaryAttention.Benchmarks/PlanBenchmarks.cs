using BenchmarkDotNet.Attributes;

namespace BinaryAttention.Benchmarks;

/// <summary>A plan reused from call to call: packing of keys and values apart from the rest, twelve heads of 197 tokens as in a vision transformer at 224 pixels.</summary>
[MemoryDiagnoser]
public class PlanBenchmarks
{
    private const int HeadCount = 12;
    private const int Length = 197;
    private const int HeadDimension = 64;
    private const int Count = HeadCount * Length * HeadDimension;

    private readonly float[] _query = Operands.Normal(1, Count);
    private readonly float[] _key = Operands.Normal(2, Count);
    private readonly float[] _value = Operands.Normal(3, Count);
    private readonly float[] _destination = new float[Count];
    private AttentionPlan? _plan;

    [GlobalSetup]
    public void Setup()
    {
        _plan = AttentionPlan.Create(new AttentionShape(1, HeadCount, Length, Length, HeadDimension, HeadDimension), new BinaryAttentionOptions { MaxDegreeOfParallelism = 1 });
        _plan.SetKeyValue(_key, _value);
    }

    [GlobalCleanup]
    public void Cleanup() => _plan!.Dispose();

    [Benchmark]
    public void PackKeysAndValues() => _plan!.SetKeyValue(_key, _value);

    [Benchmark]
    public void Run() => _plan!.Run(_query, _destination);
}
