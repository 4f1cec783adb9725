// The example of docs/training-elsewhere.md runs: it is the one below, line for line.
using System.Numerics.Tensors;
using TestKit;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Backward;

public sealed class TrainingPageTests
{
    private const string Source = "tests/BinaryAttention.Tests/Backward/TrainingPageTests.cs";

    [Fact]
    public void Example_IsTheOneThatRunsHere()
    {
        string[] page = File.ReadAllLines(RepositoryFolder.PathOf("docs/training-elsewhere.md"));
        int start = Array.IndexOf(page, "```csharp") + 1;
        string[] example = [.. page[start..Array.IndexOf(page, "```", start)].Where(line => line.Length > 0).Select(line => line.Trim())];
        string[] here = [.. File.ReadAllLines(RepositoryFolder.PathOf(Source)).Select(line => line.Trim())];
        int first = Array.IndexOf(here, example[0]);
        Assert.True(first >= 0, $"{Source} has no line \"{example[0]}\"; change both together.");
        Assert.Equal(example, here[first..].Where(line => line.Length > 0).Take(example.Length), StringComparer.Ordinal);
    }

    [Fact]
    public void Example_LowersTheLoss()
    {
        float[] query = Inputs.Gaussian(1, 2 * 17 * 32);
        float[] key = Inputs.Gaussian(2, 2 * 17 * 32);
        float[] value = Inputs.Gaussian(3, 2 * 17 * 32);
        float[] target = Inputs.Gaussian(4, 2 * 17 * 32);
        float[] table = Inputs.Gaussian(5, 2 * ((7 * 7) + 3));
        double first = Step(query, key, value, target, table);
        for (int step = 0; step < 20; step++)
        {
            Step(query, key, value, target, table);
        }

        Assert.InRange(Step(query, key, value, target, table), 0, 0.95 * first);
    }

    private static double Step(float[] query, float[] key, float[] value, float[] target, float[] table)
    {
        // One step of gradient descent on the loss 1/2 |attention(query, key, value) - target|^2, with a relative-position bias that is learned too.
        var shape = new AttentionShape(1, 2, 17, 17, 32, 32);
        var options = new BinaryAttentionOptions { Bias = AttentionBias.RelativePosition(table, 2, 4, 4) };
        var output = new float[target.Length];
        var logSumExp = new float[2 * 17];
        Attention.BinaryScaledDotProduct(query, key, value, output, shape, options, logSumExp);

        float[] outputGradient = [.. output.Zip(target, (actual, wanted) => actual - wanted)];
        var (queryGradient, keyGradient, valueGradient, tableGradient) = (new float[query.Length], new float[key.Length], new float[value.Length], new float[table.Length]);
        Attention.BinaryScaledDotProductBackward(
            query, key, value, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient, shape, options, new AttentionOptionGradients { Bias = tableGradient });

        foreach ((float[] values, float[] gradient) in new[] { (query, queryGradient), (key, keyGradient), (value, valueGradient), (table, tableGradient) })
        {
            TensorPrimitives.MultiplyAdd(gradient, -0.1f, values, values);
        }

        return outputGradient.Sum(static x => 0.5 * x * x);
    }
}
