// What a run's folder says about it, for reports; the run may still be going on.
using System.Text.Json;
using BinaryAttention.Formats;
using BinaryAttention.Models.Training.Configuration;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class RunReader
{
    private const int LongestLine = 1 << 16;

    public RunReader(string folder)
    {
        Folder = new RunFolder(folder);
        if (!Folder.Exists)
        {
            throw new FileFormatException(folder, "the folder holds no training run: config.json is missing. Give the folder that 'binattn train' wrote.");
        }

        Configuration = ConfigurationFile.Read(Folder.ConfigurationPath);
        Result = Folder.IsFinished ? ResultFile.Read(Folder.ResultPath) : null;
        Epochs = File.Exists(Folder.LogPath) ? [.. Lines(Folder.LogPath)] : [];
    }

    public RunFolder Folder { get; }

    public TrainingConfiguration Configuration { get; }

    /// <summary>What the run came to; null while it has not ended.</summary>
    public TrainingResult? Result { get; }

    public IReadOnlyList<LoggedEpoch> Epochs { get; }

    private static IEnumerable<LoggedEpoch> Lines(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            LoggedEpoch? epoch;
            try
            {
                epoch = line.Length > LongestLine ? throw new JsonException("the line is too long.") : Parse(line);
            }
            catch (Exception problem) when (problem is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
            {
                // The last line may be half written.
                if (reader.Peek() < 0)
                {
                    yield break;
                }

                throw new FileFormatException(path, $"line {number} is no line of a training log: {problem.Message}", innerException: problem);
            }

            if (epoch is not null)
            {
                yield return epoch;
            }
        }
    }

    private static LoggedEpoch? Parse(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        return root.GetProperty("kind").GetString() != "epoch"
            ? null
            : new LoggedEpoch(root.GetProperty("epoch").GetInt32(), root.GetProperty("step").GetInt64(), Number("epochLoss"), Number("trainAccuracy"), Number("selectLoss"), Number("selectAccuracy"));

        double Number(string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : double.NaN;
    }
}
