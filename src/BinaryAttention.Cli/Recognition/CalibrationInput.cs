// The pictures of a calibration: those to fit on, spread evenly over what there is, and others to measure on. A folder sorted by classes is thus not represented by its first ones.
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BinaryAttention.Cli.Commands;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Cli.Recognition;

internal sealed class CalibrationInput
{
    private readonly Option<string?> _images = new("--images") { Description = "The folder of pictures; its subfolders too.", HelpName = "DIR" };
    private readonly Option<string?> _labels = new("--labels") { Description = "CSV file of two columns, file,label; only for the top-1 accuracy of the report.", HelpName = "FILE" };
    private readonly Option<string?> _idxImages = new("--idx-images") { Description = "Grey pictures as an IDX file instead, as MNIST comes, plain or packed with gzip.", HelpName = "FILE" };
    private readonly Option<string?> _idxLabels = new("--idx-labels") { Description = "Their class indices as an IDX file.", HelpName = "FILE" };

    private readonly Option<string?> _mean = EvaluationInput.Mean();
    private readonly Option<string?> _deviation = EvaluationInput.Deviation();

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_images, _labels, _idxImages, _idxLabels, _mean, _deviation])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Opens the pictures and refuses a model that takes others.</summary>
    public CalibrationPictures Open(ParseResult parsed, Recognizer recognizer, int fitCount, int testCount)
    {
        string? images = parsed.GetValue(_images), idxImages = parsed.GetValue(_idxImages);
        if ((images is null) == (idxImages is null))
        {
            throw new BadInputException("either --images DIR or --idx-images FILE is expected, with the pictures to calibrate on. See 'binattn calibrate --help'.");
        }

        if (images is null)
        {
            if (parsed.GetValue(_labels) is not null)
            {
                throw new BadInputException("--labels does not go with --idx-images. Leave it out, or give --idx-labels.");
            }

            string idxLabels = parsed.GetValue(_idxLabels) ?? throw new BadInputException("--idx-labels is missing. Give it with --idx-images.");
            var digits = LabelledIdxImages.Open(InputPaths.File(idxImages!, _idxImages.Name), InputPaths.File(idxLabels, _idxLabels.Name));
            recognizer.RequireGrey(digits.Height, digits.Width);
            float mean = Numbers(parsed, _mean, 1) is [var givenMean] ? givenMean : DigitSet.MnistMean;
            float deviation = Numbers(parsed, _deviation, 1) is [var givenDeviation] ? givenDeviation : DigitSet.MnistDeviation;
            var set = new DigitSet(digits, idxLabels, 0, digits.Count, mean, deviation);
            return Split(set, index => index.ToString(CultureInfo.InvariantCulture), hasLabels: true, fitCount, testCount, Text([mean], [deviation]), null);
        }

        if (parsed.GetValue(_idxLabels) is not null)
        {
            throw new BadInputException("--idx-labels does not go with --images. Leave it out, or give --labels.");
        }

        recognizer.RequirePhotographs();
        string? labels = parsed.GetValue(_labels) is { } path ? InputPaths.File(path, _labels.Name) : null;
        var folder = LabelledImageFolder.Open(InputPaths.Folder(images, _images.Name), labels);
        ImagePreprocessing usual = recognizer.DefaultPreprocessing();
        var preprocessing = new ImagePreprocessing(usual.ResizeShorterSide, usual.CropSize, Numbers(parsed, _mean, 3), Numbers(parsed, _deviation, 3));
        var photographs = new PhotographSet(folder, labels ?? images, preprocessing);
        CalibrationPictures pictures = Split(
            photographs, index => folder.Images[index].RelativePath, folder.HasLabels, fitCount, testCount, Text(preprocessing.Mean, preprocessing.StandardDeviation), preprocessing);
        foreach (int index in pictures.Fit.Concat(pictures.Test))
        {
            InputPaths.File(folder.Images[index].Path, "picture");
        }

        return pictures;
    }

    // Only the deviation divides.
    private float[]? Numbers(ParseResult parsed, Option<string?> option, int count) => EvaluationInput.Numbers(option.Name, parsed.GetValue(option), count, areDivisors: option == _deviation);

    private static string Text(IEnumerable<float> mean, IEnumerable<float> deviation) =>
        string.Join(',', mean.Concat(deviation).Select(static value => value.ToString(CultureInfo.InvariantCulture)));

    private static CalibrationPictures Split(IEvaluationSet set, Func<int, string> name, bool hasLabels, int fitCount, int testCount, string normalisation, ImagePreprocessing? preprocessing)
    {
        int[] fit = EvenSample.Of([.. Enumerable.Range(0, set.Count)], fitCount);
        int[] rest = [.. Enumerable.Range(0, set.Count).Except(fit)];
        int[] test = EvenSample.Of(rest.Length > 0 ? rest : fit, testCount);
        string list = string.Concat(fit.Select(index => $"{name(index)}\n"));
        return new CalibrationPictures(set, fit, test, rest.Length == 0, hasLabels, name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list))), normalisation, preprocessing);
    }
}
