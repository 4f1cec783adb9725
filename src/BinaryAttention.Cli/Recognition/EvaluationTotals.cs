using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

/// <summary>Counts over the pictures of an evaluation so far.</summary>
internal sealed class EvaluationTotals
{
    private int _top1;
    private int _top5;
    private int _agreements;
    private double _divergence;
    private double _networkMilliseconds;
    private double _readingMilliseconds;

    /// <summary>The attention that is measured.</summary>
    public AttentionMode Mode { get; init; }

    /// <summary>The numbers of the linear layers.</summary>
    public LinearPrecision Linear { get; init; }

    /// <summary>Whether the model was trained with one-bit attention; text for people says so.</summary>
    public bool IsTrainedOneBit { get; init; }

    public int Images { get; private set; }

    /// <summary>Pictures that could not be read and count in nothing else.</summary>
    public int Unreadable { get; private set; }

    public double Top1 => Fraction(_top1);

    public double Top5 => Fraction(_top5);

    /// <summary>Pictures on which the measured model and exact attention with float32 linear layers name the same class first.</summary>
    public double Agreement => Fraction(_agreements);

    /// <summary>Mean Kullback-Leibler divergence, in nats, of the class probabilities from those of exact attention with float32 linear layers.</summary>
    public double Divergence => _divergence / Images;

    public double MillisecondsPerImage => _networkMilliseconds / Images;

    public double ReadingMillisecondsPerImage => _readingMilliseconds / Images;

    public void Add(int label, int[] best, int exactBest, double divergence, double networkMilliseconds, double readingMilliseconds)
    {
        Images++;
        _top1 += best[0] == label ? 1 : 0;
        _top5 += best.Contains(label) ? 1 : 0;
        _agreements += best[0] == exactBest ? 1 : 0;
        _divergence += divergence;
        _networkMilliseconds += networkMilliseconds;
        _readingMilliseconds += readingMilliseconds;
    }

    public void AddUnreadable() => Unreadable++;

    private double Fraction(int count) => (double)count / Images;
}
