// Options that several commands share: one spelling and one meaning.
using System.CommandLine;
using System.Globalization;

namespace BinaryAttention.Cli.Commands;

internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Write one JSON object per line to standard output and nothing else there." };

    public static Option<string> Device() => Choice("--device", "Where one-bit attention runs; exact attention always runs on the CPU.", DeviceChoice.CpuName, DeviceChoice.CpuName, DeviceChoice.CudaName);

    /// <summary>A whole number of at least 1.</summary>
    public static Option<int> Positive(string name, string description, int defaultValue)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1)
            {
                return value;
            }

            result.AddError($"{name} is \"{text}\"; a whole number of at least 1 is expected.");
            return 0;
        };
        return option;
    }

    /// <summary>One of a fixed list of words.</summary>
    public static Option<string> Choice(string name, string description, string defaultValue, params string[] values)
    {
        var option = new Option<string>(name) { Description = $"{description} One of: {string.Join(", ", values)}.", DefaultValueFactory = _ => defaultValue, HelpName = string.Join('|', values) };
        AcceptOnly(option, values);
        return option;
    }

    public static SignWeighting Weighting(string name) => name switch
    {
        "per-head" => SignWeighting.MeanMagnitudePerHead,
        "per-token" => SignWeighting.MeanMagnitudePerToken,
        "per-token-query" => SignWeighting.PerTokenQuery,
        "none" => SignWeighting.None,
        _ => throw new BadInputException($"--weighting is \"{name}\"; one of per-head, per-token, per-token-query, none is expected."),
    };

    /// <summary>How probabilities and values are held, where the attention decides if nothing is said.</summary>
    public static Option<string?> OptionalQuantization()
    {
        var option = new Option<string?>("--quantization") { Description = "How one-bit attention holds probabilities and values; full for naive-binary and tiled for a calibrated checkpoint if left out. One of: full, tiled, training-parity.", HelpName = "full|tiled|training-parity" };
        AcceptOnly(option, "full", "tiled", "training-parity");
        return option;
    }

    public static ValueQuantization? OptionalQuantization(string? name) => name is null ? null : Quantization(name);

    public static ValueQuantization Quantization(string name) => name switch
    {
        "tiled" => ValueQuantization.Tiled,
        "training-parity" => ValueQuantization.TrainingParity,
        "full" => ValueQuantization.Full,
        _ => throw new BadInputException($"--quantization is \"{name}\"; one of tiled, training-parity, full is expected."),
    };

    private static void AcceptOnly(Option option, params string[] values) => option.Validators.Add(result =>
    {
        foreach (System.CommandLine.Parsing.Token token in result.Tokens)
        {
            if (!values.Contains(token.Value, StringComparer.Ordinal))
            {
                result.AddError($"{option.Name} is \"{token.Value}\"; one of {string.Join(", ", values)} is expected.");
            }
        }
    });
}
