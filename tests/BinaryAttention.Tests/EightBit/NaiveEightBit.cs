// 8-bit attention written once more from the numerics page, independent of the library: everything double, one head at a time, no mask but a predicate.
namespace BinaryAttention.Tests.EightBit;

internal sealed record NaiveEightBit
{
    public required double[][] Query { get; init; }

    public required double[][] Key { get; init; }

    public required double[][] Value { get; init; }

    public required double Scale { get; init; }

    public bool IsTiled { get; init; }

    public Func<int, int, bool> Allows { get; init; } = (_, _) => true;

    public (double[][] Output, double[] LogSumExp) Attend()
    {
        double[] mean = [.. Key[0].Select((_, channel) => (double)(float)Key.Average(token => token[channel]))];
        (int[] Levels, double Scale)[] keys = [.. Key.Select(token => Quantize([.. token.Zip(mean, (x, m) => x - m)]))];
        (int[] Levels, double Scale)[] queries = [.. Query.Select(Quantize)];
        (double[] Levels, double Scale, double Mean)[] channels = [.. Value[0].Select((_, channel) => Channel([.. Value.Select(token => token[channel])]))];
        var output = new double[Query.Length][];
        var logSumExp = new double[Query.Length];
        for (int i = 0; i < Query.Length; i++)
        {
            int[] seen = [.. Enumerable.Range(0, Key.Length).Where(j => Allows(i, j))];
            double[] logits = [.. seen.Select(j => queries[i].Scale * keys[j].Scale * Scale * queries[i].Levels.Zip(keys[j].Levels, (a, b) => a * b).Sum())];
            double largest = logits.Length == 0 ? 0 : logits.Max();
            double[] numerators = [.. logits.Select(logit => Math.Exp(logit - largest))];
            double sum = numerators.Sum();
            logSumExp[i] = seen.Length == 0 ? double.NegativeInfinity : largest + Math.Log(sum) + (Scale * Query[i].Zip(mean, (x, m) => x * m).Sum());
            output[i] = [.. channels.Select((channel, c) => seen.Length == 0 ? 0
                : IsTiled ? (seen.Select((j, at) => Math.Round(255 * numerators[at]) * channel.Levels[j]).Sum() / (255 * sum) * channel.Scale) + channel.Mean
                : seen.Select((j, at) => numerators[at] * Value[j][c]).Sum() / sum)];
        }

        return (output, logSumExp);
    }

    private static (int[] Levels, double Scale) Quantize(double[] token)
    {
        double largest = token.Max(Math.Abs);
        return largest == 0 ? (new int[token.Length], 0) : ([.. token.Select(x => (int)Math.Round(x * (127 / largest)))], (float)(largest / 127));
    }

    private static (double[] Levels, double Scale, double Mean) Channel(double[] values)
    {
        double mean = (float)values.Average();
        double largest = values.Max(x => Math.Abs(x - mean));
        return ([.. values.Select(x => largest == 0 ? 0 : Math.Round((x - mean) * (127 / largest)))], (float)(largest / 127), mean);
    }
}
