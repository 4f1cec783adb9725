namespace BinaryAttention.Formats.Datasets;

/// <summary>
/// Display names of the 1,000 ImageNet-1k classes by index: the ILSVRC 2012 class list in the order of its WordNet synset identifiers (n01440764 is 0), one common
/// English name each. Two names occur twice: crane (134 the bird, 517 the machine) and maillot (638, 639).
/// </summary>
public static class ImageNetClasses
{
    private const string ResourceName = "imagenet_classes.txt";

    private static readonly Lazy<IReadOnlyList<string>> LoadedNames = new(Load);

    /// <summary>The names, by class index.</summary>
    public static IReadOnlyList<string> Names => LoadedNames.Value;

    /// <summary>The name of a class.</summary>
    /// <param name="classIndex">The index, 0 to 999.</param>
    /// <returns>Its name, for display.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classIndex"/> is outside 0 to 999.</exception>
    public static string Name(int classIndex)
    {
        if ((uint)classIndex >= (uint)Names.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(classIndex), classIndex, $"The class index must lie between 0 and {Names.Count - 1}.");
        }

        return Names[classIndex];
    }

    private static IReadOnlyList<string> Load()
    {
        using Stream stream = typeof(ImageNetClasses).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"The resource {ResourceName} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return Array.AsReadOnly(reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
