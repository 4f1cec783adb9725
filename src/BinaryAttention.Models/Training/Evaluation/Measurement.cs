namespace BinaryAttention.Models.Training.Evaluation;

/// <summary>How a network does on labelled pictures.</summary>
public sealed record Measurement
{
    /// <summary>Pictures that were measured.</summary>
    public int Count { get; init; }

    /// <summary>Pictures whose class came first.</summary>
    public int Correct { get; init; }

    /// <summary>Mean cross entropy with the labels, nats.</summary>
    public double Loss { get; init; }

    /// <summary>Pictures by class and by the class that came first, <c>[class][prediction]</c>.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; } = [];

    /// <summary>Share of the pictures whose class came first, 0..1.</summary>
    public double Accuracy => (double)Correct / Count;
}
