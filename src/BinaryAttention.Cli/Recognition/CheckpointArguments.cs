// The options of a command that says what a checkpoint's tensors cannot: which model of the file, how many heads, which activation.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal sealed class CheckpointArguments
{
    private readonly Option<string?> _prefix = Prefix();
    private readonly Option<int?> _heads = Heads();
    private readonly Option<string?> _activation = Activation();

    /// <summary>The option that picks one of several dictionaries of tensors in a file.</summary>
    public static Option<string?> Prefix() => new("--prefix")
    {
        Description = "Take only the tensors whose names begin with this and a dot, and drop both: one of several models in a file, such as model_ema.",
        HelpName = "NAME",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_prefix);
        command.Options.Add(_heads);
        command.Options.Add(_activation);
    }

    public CheckpointOptions Read(ParseResult parsed) => new()
    {
        Prefix = parsed.GetValue(_prefix),
        HeadCount = parsed.GetValue(_heads),
        Activation = parsed.GetValue(_activation) switch { null => null, "relu" => MlpActivation.Relu, _ => MlpActivation.Gelu },
    };

    private static Option<int?> Heads()
    {
        var option = new Option<int?>("--heads") { Description = "Attention heads; if left out, the file's metadata decide, or one head for every 64 channels.", HelpName = "N" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1)
            {
                return value;
            }

            result.AddError($"--heads is \"{text}\"; a whole number of at least 1 is expected.");
            return null;
        };
        return option;
    }

    private static Option<string?> Activation()
    {
        var option = new Option<string?>("--activation") { Description = "Activation of the perceptrons; if left out, the file's metadata decide, or gelu. One of: gelu, relu.", HelpName = "gelu|relu" };
        option.Validators.Add(result =>
        {
            foreach (System.CommandLine.Parsing.Token token in result.Tokens.Where(token => token.Value is not ("gelu" or "relu")))
            {
                result.AddError($"--activation is \"{token.Value}\"; one of gelu, relu is expected.");
            }
        });
        return option;
    }
}
