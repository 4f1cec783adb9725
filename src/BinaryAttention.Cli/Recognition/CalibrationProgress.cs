// The side file of a calibration, OUTPUT.partial: every layer that is finished goes there at once, so that an interrupted run continues where it was, with the same command, to the same bytes. Gone when the output is there.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Cli.Recognition;

internal sealed class CalibrationProgress
{
    private readonly string _path;
    private readonly string _key;
    private readonly List<LayerCodes> _layers;

    private CalibrationProgress(string path, string key, IReadOnlyList<LayerCodes> layers)
    {
        (_path, _key) = (path, key);
        _layers = [.. layers];
        Done = layers;
    }

    /// <summary>Layers that an earlier run finished.</summary>
    public IReadOnlyList<LayerCodes> Done { get; }

    /// <summary>The side file of an output.</summary>
    public static string PathOf(string output) => output + ".partial";

    /// <summary>Takes up what an earlier run left.</summary>
    /// <param name="output">The output of the calibration.</param>
    /// <param name="key">What it is made from.</param>
    /// <param name="mayReplace">Whether what belongs to another calibration may go.</param>
    public static CalibrationProgress Open(string output, string key, bool mayReplace)
    {
        string path = PathOf(output);
        IReadOnlyList<LayerCodes>? left = File.Exists(path) ? PartialCalibration.Read(path, key) : [];
        return left is not null || mayReplace
            ? new CalibrationProgress(path, key, left ?? [])
            : throw new BadInputException($"\"{path}\" was left by a calibration of another model, with other options or pictures. Repeat that command to finish it, delete the file, or give --force to start anew.");
    }

    /// <summary>What a calibration is made from, as one text: two runs with the same key find the same codes.</summary>
    public static string Key(string modelPath, string checkpoint, CalibrationOptions options, CalibrationPictures pictures, string tool)
    {
        using FileStream model = File.OpenRead(modelPath);
        string list = string.Create(
            CultureInfo.InvariantCulture,
            $"{tool}|{Convert.ToHexStringLower(SHA256.HashData(model))}|{checkpoint}|{options.Recipe}|{options.QueryPlanes}|{options.KeyPlanes}|{options.CodeLengthFactor}|{options.KeyWeights}|{options.Rank}|{options.ExactSpecialRows}|{string.Join(',', options.LayersWithoutCodes)}|{options.SpecialRowWeight}|{options.Steps}|{options.ImagesPerStep}|{options.StepSize}|{options.Seed}|{options.Budget}|{pictures.Fit.Length}|{pictures.Digest}|{pictures.Normalisation}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list)));
    }

    /// <summary>Keeps a finished layer.</summary>
    public void Add(LayerCodes layer)
    {
        _layers.Add(layer);
        PartialCalibration.Write(_path, _key, _layers);
    }

    /// <summary>What is kept, in words, or null if nothing is.</summary>
    public string? InWords() => _layers.Count == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{_layers.Count} finished layers are kept in {_path}; the same command continues from there.");

    /// <summary>The output is there: nothing needs to be kept.</summary>
    public void Complete() => File.Delete(_path);
}
