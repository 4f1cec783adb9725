// The names of linear precisions on the command line and in JSON.
using System.CommandLine;
using BinaryAttention.Cli.Commands;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal static class LinearPrecisions
{
    public const string FloatName = "fp32";

    public const string EightBitName = "int8";

    public static Option<string> Option() => CommonOptions.Choice("--linear", "In which numbers the linear layers of the blocks multiply.", FloatName, FloatName, EightBitName);

    public static string NameOf(LinearPrecision precision) => precision == LinearPrecision.EightBit ? EightBitName : FloatName;

    public static LinearPrecision Parse(string name) => name switch
    {
        FloatName => LinearPrecision.Float32,
        EightBitName => LinearPrecision.EightBit,
        _ => throw new BadInputException($"--linear names \"{name}\"; {FloatName} or {EightBitName} is expected."),
    };
}
