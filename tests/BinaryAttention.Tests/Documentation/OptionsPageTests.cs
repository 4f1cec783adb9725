// The examples of docs/options.md and README.md run: each is the body of the method named before it on the page, line for line (from "// begin", if there is one, to "// end").
using System.Numerics.Tensors;
using TestKit;
using Xunit;

namespace BinaryAttention.Tests.Documentation;

public sealed class OptionsPageTests
{
    private static readonly string[] Pages = ["docs/options.md", "README.md"];
    private const string Source = "tests/BinaryAttention.Tests/Documentation/OptionsPageTests.cs";

    // Two items, 4 query heads on 2 key heads, 100 queries, 130 keys, 64 channels.
    private static readonly AttentionShape shape = new(2, 4, 100, 130, 64, 64) { KeyHeadCount = 2 };
    private static readonly float[] query = Numbers(2 * 4 * 100 * 64, 1), key = Numbers(2 * 2 * 130 * 64, 2), value = Numbers(2 * 2 * 130 * 64, 3), destination = new float[query.Length];
    private static readonly Tensor<float> tensor = Tensor.Create(key, [2, 2, 130, 64]);

    public static TheoryData<string> Examples() => [.. Blocks().Keys];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Example_IsTheMethodOfThisClass(string name)
    {
        string[] here = [.. File.ReadAllLines(RepositoryFolder.PathOf(Source)).Select(static line => line.Trim())];
        int start = Array.IndexOf(here, $"private static void {name}()");
        Assert.True(start >= 0, $"{Source} has no method {name}; change it and the page together.");
        string[] body = [.. here[(start + 2)..].TakeWhile(static line => line is not "// end")];
        body = body[(Array.IndexOf(body, "// begin") + 1)..];
        Assert.Equal(Blocks()[name], body, StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void Example_Runs(string name)
    {
        Array.Clear(destination);
        System.Reflection.MethodInfo method = typeof(OptionsPageTests).GetMethod(name, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!;
        method.CreateDelegate<Action>()();
    }

    [Fact]
    public void Page_HasAnExampleForEveryOption()
    {
        string text = string.Join('\n', Blocks().Values.SelectMany(static lines => lines));
        foreach (System.Reflection.PropertyInfo option in typeof(BinaryAttentionOptions).GetProperties().Where(static property => property.Name != "EqualityContract"))
        {
            Assert.Contains(option.Name, text, StringComparison.Ordinal);
        }
    }

    private static void Call()
    {
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape);
        // end
    }

    private static void CausalMask()
    {
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Mask = AttentionMask.Causal });
        // end
    }

    private static void PaddedBatch()
    {
        // Item 0 has 80 queries and 110 keys, item 1 is full.
        AttentionMask padding = AttentionMask.Lengths(new[] { 80, 100 }, new[] { 110, 130 });
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Mask = padding });
        // end
    }

    private static void BooleanMask()
    {
        // Every query sees the 32 keys nearest to it: one bit a pair, key j at bit j mod 64 of word j / 64.
        var window = new ulong[100 * 3];
        for (int i = 0; i < 100; i++)
        {
            for (int j = Math.Max(0, i - 16); j < Math.Min(130, i + 16); j++)
            {
                window[(i * 3) + (j / 64)] |= 1UL << (j % 64);
            }
        }

        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Mask = AttentionMask.Boolean(window) });
        // end
    }

    private static void BlockSparseMask()
    {
        // 100 x 130 tokens are 2 x 3 blocks of 64; the middle block of keys is skipped, and the call is causal too.
        bool[] blocks = [true, false, true, true, false, true];
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Mask = AttentionMask.BlockSparse(blocks).And(AttentionMask.Causal) });
        // end
    }

    private static void RelativePositionBias()
    {
        // A 10 x 10 grid of tokens with a class token: (2*10-1) * (2*10-1) + 3 rows, one column per head.
        var table = new float[364 * 4];
        AttentionShape grid = new(1, 4, 101, 101, 64, 64);
        var (q, k, v, o) = (new float[4 * 101 * 64], new float[4 * 101 * 64], new float[4 * 101 * 64], new float[4 * 101 * 64]);
        Attention.BinaryScaledDotProduct(q, k, v, o, grid, new() { Bias = AttentionBias.RelativePosition(table, headCount: 4, gridHeight: 10, gridWidth: 10) });
        // end
    }

    private static void LowRankBias()
    {
        // A bias of rank 2 shared by all heads: 100 x 2 query factors, 130 x 2 key factors.
        var bias = AttentionBias.LowRank(new float[100 * 2], new float[130 * 2], batchSize: 1, headCount: 1, queryLength: 100, keyLength: 130, rank: 2);
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Bias = bias });
        // end
    }

    private static void OtherBiases()
    {
        var perKey = AttentionBias.PerKey(new float[2 * 4 * 130], batchSize: 2, headCount: 4, keyLength: 130);
        var dense = AttentionBias.Dense(new float[100 * 130], batchSize: 1, headCount: 1, queryLength: 100, keyLength: 130);
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Bias = perKey });
        Attention.ScaledDotProduct(query, key, value, destination, shape, new() { Bias = dense });
        // end
    }

    private static void PerTokenWeights()
    {
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Weighting = SignWeighting.MeanMagnitudePerToken });
        // end
    }

    private static void LearnedWeights()
    {
        // One signed number per token and head, and BinaryFormer's sign of zero.
        var weights = SignWeighting.Learned(new float[2 * 4 * 100], new float[2 * 2 * 130]);
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Weighting = weights, SignOfZero = SignOfZero.Negative, LogitScale = 1 });
        // end
    }

    private static void TwoPlanes()
    {
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { KeyPlanes = 2, QueryPlanes = 2, Weighting = SignWeighting.MeanMagnitudePerToken });
        // end
    }

    private static void Quantizations()
    {
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Quantization = ValueQuantization.TrainingParity });
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Quantization = ValueQuantization.Full });
        // end
    }

    private static void CalibratedForm()
    {
        // What a calibration found: means per channel, one rotation per key head, a temperature per head.
        var calibration = new AttentionCalibration
        {
            QueryCentre = new float[4 * 64],
            KeyCentre = new float[2 * 64],
            Rotation = new float[2 * 64 * 64],
            Temperature = new float[] { 1.5f, 1.75f, 2f, 1.25f },
        };
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Calibration = calibration, Weighting = SignWeighting.PerTokenQuery });
        // end
    }

    private static void TokensBeforeHeads()
    {
        // The output of a fused projection, [tokens][query, key, value][heads][dimension]: each third is read where it lies.
        var projected = new float[197 * 3 * 192];
        var attended = new float[197 * 192];
        AttentionShape fused = new(1, 3, 197, 197, 64, 64) { QueryTokenStride = 3 * 192, KeyTokenStride = 3 * 192, ValueTokenStride = 3 * 192 };
        Attention.BinaryScaledDotProduct(projected, projected.AsSpan(192), projected.AsSpan(384), attended, fused, new() { Layout = TensorLayout.TokenHeadDimension });
        // end
    }

    private static void KernelAndThreads()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var options = new BinaryAttentionOptions { Kernel = "reference", MaxDegreeOfParallelism = 1 };
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, options, cancellationToken: source.Token);
        // end
    }

    private static void PackedKeysReused()
    {
        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions());
        plan.SetKeyValue(key, value);
        for (int step = 0; step < 3; step++)
        {
            plan.Run(query, destination);
        }

        Console.WriteLine($"{plan.Kernel.Name} holds {plan.PackedByteCount} bytes of keys and values");
        // end
    }

    private static void PartialResults()
    {
        // Keys 0 .. 65 and 65 .. 130 of one head, joined.
        AttentionShape half = new(1, 1, 100, 65, 64, 64);
        var (output, logSumExp) = (new float[100 * 64], new float[100]);
        var (otherOutput, otherLogSumExp) = (new float[100 * 64], new float[100]);
        Attention.ScaledDotProduct(query, key, value, output, half, logSumExp: logSumExp);
        Attention.ScaledDotProduct(query, key.AsSpan(65 * 64), value.AsSpan(65 * 64), otherOutput, half, logSumExp: otherLogSumExp);
        PartialAttention.Merge(otherOutput, otherLogSumExp, output, logSumExp, half);
        // end
    }

    private static void Signs()
    {
        using PackedSigns signs = PackedSigns.Pack(tensor);
        int distance = signs.HammingDistance(batch: 0, head: 0, token: 3, signs, otherToken: 5);
        Console.WriteLine($"keys 3 and 5 differ in {distance} of {signs.Dimension} signs");
        // end
    }

    private static void MasksAndGroupedQueries()
    {
        var (query, key, value, destination) = (new float[2 * 8 * 100 * 64], new float[2 * 2 * 100 * 64], new float[2 * 2 * 100 * 64], new float[2 * 8 * 100 * 64]);
        // begin
        AttentionShape shape = new(BatchSize: 2, HeadCount: 8, QueryLength: 100, KeyLength: 100, HeadDimension: 64, ValueDimension: 64) { KeyHeadCount = 2 };
        AttentionMask mask = AttentionMask.Causal.And(AttentionMask.Lengths(queryLengths: new[] { 80, 100 }, keyLengths: new[] { 80, 100 }));
        Attention.BinaryScaledDotProduct(query, key, value, destination, shape, new() { Mask = mask });
        // end
    }

    private static void KeysPackedOnce()
    {
        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions());
        plan.SetKeyValue(key, value);
        plan.Run(query, destination);
        // end
    }

    private static void EightBit()
    {
        Attention.EightBitScaledDotProduct(query, key, value, destination, shape, new() { Mask = AttentionMask.Causal });
        using AttentionPlan eightBit = AttentionPlan.Create(shape, new EightBitAttentionOptions { Quantization = ValueQuantization.Full });
        // end
    }

    // The lines of the pages' C# blocks by the name in the comment before each.
    private static Dictionary<string, string[]> Blocks()
    {
        const string Marker = "<!-- example ";
        var blocks = new Dictionary<string, string[]>(StringComparer.Ordinal);
        string[] lines = [.. Pages.SelectMany(static page => File.ReadAllLines(RepositoryFolder.PathOf(page)))];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith(Marker, StringComparison.Ordinal))
            {
                Assert.Equal("```csharp", lines[i + 1]);
                blocks.Add(lines[i][Marker.Length..].TrimEnd('-', '>', ' '), [.. lines[(i + 2)..].TakeWhile(static line => line != "```").Select(static line => line.Trim())]);
            }
        }

        Assert.NotEmpty(blocks);
        return blocks;
    }

    private static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
