// The options of evaluate that say which pictures: a folder with a CSV of labels, or a pair of IDX files. Options of the other kind are refused, not ignored.
using System.CommandLine;
using System.Globalization;
using BinaryAttention.Cli.Commands;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

internal sealed class EvaluationInput
{
    private readonly Option<string?> _images = new("--images") { Description = "The folder of pictures.", HelpName = "DIR" };
    private readonly Option<string?> _labels = new("--labels") { Description = "CSV with two columns, file,label: class indices from 0.", HelpName = "FILE" };
    private readonly Option<string?> _idxImages = new("--idx-images") { Description = "Grey pictures as an IDX file, as MNIST comes, plain or packed with gzip.", HelpName = "FILE" };
    private readonly Option<string?> _idxLabels = new("--idx-labels") { Description = "Their class indices as an IDX file.", HelpName = "FILE" };
    private readonly Option<int> _skip = Skip();
    private readonly Option<int> _take = Take();
    private readonly Option<string?> _mean = Mean();
    private readonly Option<string?> _deviation = Deviation();
    private readonly Option<int> _resize = CommonOptions.Positive("--resize", "Pixels of the shorter side before cropping.", 256);
    private readonly Option<int> _crop = CommonOptions.Positive("--crop", "Pixels a side of the square the model sees.", 224);

    public static Option<string?> Mean() => new("--mean") { Description = "Mean of red, green and blue in units of 0..1, ImageNet's if left out; of grey for IDX files, MNIST's 0.1307 if left out.", HelpName = "r,g,b" };

    public static Option<string?> Deviation() => new("--std") { Description = "Standard deviation of red, green and blue, ImageNet's if left out; of grey for IDX files, MNIST's 0.3081 if left out.", HelpName = "r,g,b" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_images, _labels, _idxImages, _idxLabels, _skip, _take, _mean, _deviation, _resize, _crop])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Refuses a mixture of both kinds of input, or half of one.</summary>
    public void Check(ParseResult parsed)
    {
        bool isIdx = IsGiven(parsed, _idxImages) || IsGiven(parsed, _idxLabels);
        Option[] needed = isIdx ? [_idxImages, _idxLabels] : [_images, _labels];
        Option[] foreign = isIdx ? [_images, _labels, _resize, _crop] : [_skip, _take];
        if (Array.Find(needed, option => !IsGiven(parsed, option)) is { } missing)
        {
            throw new BadInputException($"{missing.Name} is missing. Give --images and --labels for a folder of pictures, or --idx-images and --idx-labels for IDX files. See 'binattn evaluate --help'.");
        }

        if (Array.Find(foreign, option => IsGiven(parsed, option)) is { } wrong)
        {
            throw new BadInputException($"{wrong.Name} does not go with {needed[0].Name}. Leave it out.");
        }
    }

    /// <summary>Opens what <see cref="Check"/> found right.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="requireInput">Refuses a model that takes other pictures.</param>
    /// <param name="skipped">Lines of the labels that name files elsewhere.</param>
    public IEvaluationSet Open(ParseResult parsed, out Action<Recognizer> requireInput, out int skipped)
    {
        skipped = 0;
        return IsGiven(parsed, _idxImages) ? OpenDigits(parsed, out requireInput) : OpenPhotographs(parsed, out requireInput, out skipped);
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private PhotographSet OpenPhotographs(ParseResult parsed, out Action<Recognizer> requireInput, out int skipped)
    {
        ImagePreprocessing preprocessing = Preprocessing(
            parsed.GetValue(_resize), parsed.GetValue(_crop), Numbers(_mean.Name, parsed.GetValue(_mean), 3), Numbers(_deviation.Name, parsed.GetValue(_deviation), 3, areDivisors: true));
        string labelsPath = InputPaths.File(parsed.GetValue(_labels)!, _labels.Name);
        var folder = LabelledImageFolder.Open(InputPaths.Folder(parsed.GetValue(_images)!, _images.Name), labelsPath);
        foreach (LabelledImage image in folder.Images)
        {
            InputPaths.File(image.Path, "picture");
        }

        skipped = folder.SkippedCount;
        requireInput = recognizer =>
        {
            recognizer.RequirePhotographs();
            recognizer.RequireInput(preprocessing.CropSize);
        };
        return new PhotographSet(folder, labelsPath, preprocessing);
    }

    private DigitSet OpenDigits(ParseResult parsed, out Action<Recognizer> requireInput)
    {
        float mean = Numbers(_mean.Name, parsed.GetValue(_mean), 1) is [var givenMean] ? givenMean : DigitSet.MnistMean;
        float deviation = Numbers(_deviation.Name, parsed.GetValue(_deviation), 1, areDivisors: true) is [var givenDeviation] ? givenDeviation : DigitSet.MnistDeviation;
        string labelsPath = InputPaths.File(parsed.GetValue(_idxLabels)!, _idxLabels.Name);
        var digits = LabelledIdxImages.Open(InputPaths.File(parsed.GetValue(_idxImages)!, _idxImages.Name), labelsPath);
        int skip = parsed.GetValue(_skip);
        if (skip >= digits.Count)
        {
            throw new BadInputException($"--skip is {skip}, but there are only {digits.Count} pictures; at most {digits.Count - 1} is expected.");
        }

        int take = IsGiven(parsed, _take) ? parsed.GetValue(_take) : digits.Count - skip;
        if (take > digits.Count - skip)
        {
            throw new BadInputException($"--take is {take}, but only {digits.Count - skip} of the {digits.Count} pictures follow --skip {skip}.");
        }

        requireInput = recognizer => recognizer.RequireGrey(digits.Height, digits.Width);
        return new DigitSet(digits, labelsPath, skip, take, mean, deviation);
    }

    private static Option<int> Take()
    {
        Option<int> option = CommonOptions.Positive("--take", "IDX pictures to take behind those skipped; all if left out.", defaultValue: 1);

        // Help would show a default that does not hold.
        option.DefaultValueFactory = null;
        return option;
    }

    private static Option<int> Skip()
    {
        var option = new Option<int>("--skip") { Description = "IDX pictures to leave out at the start.", DefaultValueFactory = _ => 0 };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            {
                return value;
            }

            result.AddError($"--skip is \"{text}\"; a whole number of at least 0 is expected.");
            return 0;
        };
        return option;
    }

    private static ImagePreprocessing Preprocessing(int resize, int crop, float[]? mean, float[]? deviation)
    {
        if (crop > ImagePreprocessing.MaxCropSize)
        {
            throw new BadInputException($"--crop is {crop}; at most {ImagePreprocessing.MaxCropSize} is expected.");
        }

        return crop <= resize
            ? new ImagePreprocessing(resize, crop, mean, deviation)
            : throw new BadInputException($"--crop is {crop}, which does not fit into a shorter side of --resize {resize}. Give --resize {crop} or more, or a smaller --crop.");
    }

    /// <summary>A mean or deviation of so many colours; null if it is not given.</summary>
    internal static float[]? Numbers(string name, string? text, int count, bool areDivisors = false)
    {
        if (text is null)
        {
            return null;
        }

        string expected = count == 1 ? "one number, such as 0.5, is" : "three numbers separated by commas are";
        string[] parts = text.Split(',');
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            if (parts.Length != count || !float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]) || !float.IsFinite(values[i]))
            {
                throw new BadInputException($"{name} is \"{text}\"; {expected} expected{(count == 1 ? string.Empty : ", such as 0.485,0.456,0.406")}.");
            }
        }

        return areDivisors && Array.Exists(values, value => value <= 0)
            ? throw new BadInputException($"{name} is \"{text}\"; numbers above 0 are expected, pixels are divided by them.")
            : values;
    }
}
