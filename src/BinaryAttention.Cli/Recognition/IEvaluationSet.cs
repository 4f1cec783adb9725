namespace BinaryAttention.Cli.Recognition;

/// <summary>Pictures with class indices, as the input of a network.</summary>
internal interface IEvaluationSet
{
    int Count { get; }

    /// <summary>Names a picture and its label in a message.</summary>
    string Describe(int index);

    int Label(int index);

    /// <summary>One preprocessed picture.</summary>
    /// <exception cref="BinaryAttention.Formats.FileFormatException">The picture cannot be read; the others may be.</exception>
    float[] Read(int index);
}
