// Chooses which tensors of a source are the model. A file may hold several (the weights and their moving average) beside the state of an optimiser; every model has one
// tensor cls_token, so what stands before that name is its prefix.
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal static class ModelPrefix
{
    private const int MostNamed = 20;

    /// <summary>The tensors below a prefix; without one all of them, or those of the only model below any prefix.</summary>
    /// <exception cref="FileFormatException">Nothing is below the prefix, or none was given and there are several models.</exception>
    public static WeightSource Select(WeightSource source, string? prefix)
    {
        if (prefix is { Length: > 0 })
        {
            var below = new PrefixedWeightSource(source, prefix);
            return below.TensorNames.Any() ? below : throw new FileFormatException(source.Name, $"no tensor has a name that begins with the prefix '{prefix}.'. {Choices(Prefixes(source))}");
        }

        if (source.FindShape(CheckpointNames.ClassToken) is not null)
        {
            return source;
        }

        List<string> found = Prefixes(source);
        return found.Count switch
        {
            0 => source,
            1 => new PrefixedWeightSource(source, found[0]),
            _ => throw new FileFormatException(source.Name, $"the file holds {found.Count} models. {Choices(found)}"),
        };
    }

    private static List<string> Prefixes(WeightSource source)
    {
        const string ending = "." + CheckpointNames.ClassToken;
        return [.. source.TensorNames.Where(static name => name.EndsWith(ending, StringComparison.Ordinal)).Select(static name => name[..^ending.Length])];
    }

    private static string Choices(List<string> prefixes) => prefixes.Count == 0
        ? "No model has one: leave the prefix out."
        : $"Choose one by its prefix: {string.Join(", ", prefixes.Take(MostNamed).Select(Printable))}{(prefixes.Count > MostNamed ? " and more" : string.Empty)}.";

    // The names are the file's: nothing in them may steer a terminal, and none may be endless.
    private static string Printable(string name) => string.Concat(name.Take(100).Select(static unit => char.IsControl(unit) ? '?' : unit)) + (name.Length > 100 ? "..." : string.Empty);
}
