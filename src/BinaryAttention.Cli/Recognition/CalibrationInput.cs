// The pictures of a calibration: those to fit on, spread evenly over what there is, and others to measure on. A folder sorted by classes is thus not represented by its first ones.
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using BinaryAttention.Formats.Datasets;

namespace BinaryAttention.Cli.Recognition;

internal sealed class CalibrationInput
{
    private readonly Option<string?> _images = new("--images") { Description = "The folder of pictures; its subfolders too.", HelpName = "DIR" };
    private readonly Option<string?> _labels = new("--labels") { Description = "CSV file of two columns, file,label; only for the top-1 accuracy of the report.", HelpName = "FILE" };
    private readonly Option<string?> _idxImages = new("--idx-images") { Description = "Grey pictures as an IDX file instead, as MNIST comes, plain or packed with gzip.", HelpName = "FILE" };
    private readonly Option<string?> _idxLabels = new("--idx-labels") { Description = "Their class indices as an IDX file.", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_images, _labels, _idxImages, _idxLabels])
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
            string idxLabels = parsed.GetValue(_idxLabels) ?? throw new BadInputException("--idx-labels is missing. Give it with --idx-images.");
            var digits = LabelledIdxImages.Open(InputPaths(idxImages!, _idxImages.Name), InputPaths(idxLabels, _idxLabels.Name));
            recognizer.RequireGrey(digits.Height, digits.Width);
            var set = new DigitSet(digits, idxLabels, 0, digits.Count, 0.1307f, 0.3081f);
            return Split(set, index => index.ToString(System.Globalization.CultureInfo.InvariantCulture), hasLabels: true, fitCount, testCount);
        }

        if (parsed.GetValue(_idxLabels) is not null)
        {
            throw new BadInputException("--idx-labels does not go with --images. Leave it out, or give --labels.");
        }

        recognizer.RequirePhotographs();
        string? labels = parsed.GetValue(_labels) is { } path ? InputPaths(path, _labels.Name) : null;
        var folder = LabelledImageFolder.Open(Commands.InputPaths.Folder(images, _images.Name), labels);
        var photographs = new PhotographSet(folder, labels ?? images, recognizer.DefaultPreprocessing());
        CalibrationPictures pictures = Split(photographs, index => folder.Images[index].RelativePath, folder.HasLabels, fitCount, testCount);
        foreach (int index in pictures.Fit.Concat(pictures.Test))
        {
            Commands.InputPaths.File(folder.Images[index].Path, "picture");
        }

        return pictures;
    }

    private static string InputPaths(string path, string name) => Commands.InputPaths.File(path, name);

    private static CalibrationPictures Split(IEvaluationSet set, Func<int, string> name, bool hasLabels, int fitCount, int testCount)
    {
        int[] fit = Spread([.. Enumerable.Range(0, set.Count)], fitCount);
        int[] rest = [.. Enumerable.Range(0, set.Count).Except(fit)];
        int[] test = Spread(rest.Length > 0 ? rest : fit, testCount);
        string list = string.Concat(fit.Select(index => $"{name(index)}\n"));
        return new CalibrationPictures(set, fit, test, rest.Length == 0, hasLabels, name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list))));
    }

    private static int[] Spread(int[] from, int count) => count >= from.Length ? from : [.. Enumerable.Range(0, count).Select(i => from[(int)((long)i * from.Length / count)])];
}
