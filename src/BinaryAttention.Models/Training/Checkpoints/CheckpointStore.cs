// The checkpoints of a run: step-N.safetensors with weights, optimiser and moving average, and step-N.json with the position, the length and the SHA-256 of the tensors. Both are written
// beside their place, flushed and renamed, the JSON last: a checkpoint exists once its JSON does. The last two are kept; a damaged newest one gives way to the one before.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Models.Training.Checkpoints;

internal sealed class CheckpointStore
{
    private const int Kept = 2;
    private const int MaxRecordBytes = 1 << 16;
    private const string Format = "binary-attention-training-1";

    private readonly string _folder;

    public CheckpointStore(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
    }

    /// <summary>Writes a checkpoint and removes those that are older than the last two.</summary>
    public void Save(TrainingPosition position, IReadOnlyList<StateTensor> tensors)
    {
        string path = PathOf(position.Step, ".safetensors");
        SafeTensorsWriter.Write(
            path,
            [.. tensors.Select(static tensor => TensorToWrite.FromSingles(tensor.Name, tensor.Shape, tensor.Values))],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = Format, ["step"] = position.Step.ToString(CultureInfo.InvariantCulture) });

        // The hash is of what can be read back.
        (long bytes, string hash) = Digest(path);
        AtomicFile.Write(PathOf(position.Step, ".json"), Record(position, bytes, hash));
        foreach (long step in Steps().Skip(Kept))
        {
            // The record first: without it the tensors are no checkpoint any more.
            File.Delete(PathOf(step, ".json"));
            File.Delete(PathOf(step, ".safetensors"));
        }
    }

    /// <summary>The newest checkpoint that is whole, or null if there is none at all.</summary>
    /// <param name="warn">Told about every damaged one.</param>
    /// <exception cref="FileFormatException">There are checkpoints, and all are damaged.</exception>
    public StoredState? LoadLatest(Action<string> warn)
    {
        RemoveLeftovers();
        string? problem = null;
        foreach (long step in Steps())
        {
            try
            {
                return Load(step);
            }
            catch (Exception damage) when (damage is FileFormatException or IOException)
            {
                problem = damage.Message;
                warn($"the checkpoint of step {step} cannot be used ({damage.Message.TrimEnd('.')}); the one before it is tried.");
            }
        }

        return problem is null
            ? null
            : throw new FileFormatException(_folder, $"no checkpoint can be used; of the oldest: {problem} Delete the run's folder to start anew.");
    }

    /// <summary>Steps with a record, newest first.</summary>
    public IEnumerable<long> Steps() =>
    [
        .. Directory.EnumerateFiles(_folder, "step-*.json")
            .Select(static path => long.TryParse(Path.GetFileNameWithoutExtension(path).AsSpan("step-".Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : -1)
            .Where(static step => step >= 0)
            .OrderDescending(),
    ];

    // Killed between its two files, a checkpoint is written or removed by half: tensors without a record.
    private void RemoveLeftovers()
    {
        AtomicFile.RemoveLeftovers(_folder);
        foreach (string path in Directory.EnumerateFiles(_folder, "step-*.safetensors").Where(static path => !File.Exists(Path.ChangeExtension(path, ".json"))).ToArray())
        {
            File.Delete(path);
        }
    }

    private static (long Bytes, string Hash) Digest(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return (stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }

    private static string Record(TrainingPosition position, long bytes, string hash)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("format", Format);
            writer.WriteNumber("bytes", bytes);
            writer.WriteString("sha256", hash);
            writer.WriteNumber("step", position.Step);
            writer.WriteNumber("batch", position.Batch);
            writer.WriteNumber("epochLoss", position.EpochLoss);
            writer.WriteNumber("epochCorrect", position.EpochCorrect);
            writer.WriteNumber("epochBatches", position.EpochBatches);
            writer.WriteNumber("bestStep", position.BestStep);
            writer.WriteNumber("bestAccuracy", position.BestAccuracy);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private StoredState Load(long step)
    {
        string recordPath = PathOf(step, ".json"), path = PathOf(step, ".safetensors");
        (TrainingPosition position, long bytes, string hash) = ReadRecord(recordPath);
        if (position.Step != step)
        {
            throw new FileFormatException(recordPath, $"the record is of step {position.Step}; step {step} is expected by its name.");
        }

        (long actualBytes, string actualHash) = Digest(path);
        if (actualBytes != bytes || actualHash != hash)
        {
            throw new FileFormatException(path, $"the file has {actualBytes} bytes and SHA-256 {actualHash[..12]}...; {bytes} bytes and {hash[..Math.Min(12, hash.Length)]}... are expected. It is damaged.");
        }

        using var file = SafeTensorsFile.Open(path);
        var tensors = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (TensorEntry entry in file.Tensors)
        {
            tensors.Add(entry.Name, new StateTensor(entry.Name, entry.Shape, file.ReadSingles(entry.Name)));
        }

        return new StoredState(position, tensors);
    }

    private static (TrainingPosition Position, long Bytes, string Hash) ReadRecord(string path)
    {
        if (new FileInfo(path).Length > MaxRecordBytes)
        {
            throw new FileFormatException(path, $"the record has more than {MaxRecordBytes} bytes. It is damaged.");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement root = document.RootElement;
            if (root.GetProperty("format").GetString() != Format)
            {
                throw new FileFormatException(path, $"the record's format is not {Format}. It was written by another version, or is damaged.");
            }

            var position = new TrainingPosition(
                root.GetProperty("step").GetInt64(),
                root.GetProperty("batch").GetInt64(),
                root.GetProperty("epochLoss").GetDouble(),
                root.GetProperty("epochCorrect").GetInt64(),
                root.GetProperty("epochBatches").GetInt64(),
                root.GetProperty("bestStep").GetInt64(),
                root.GetProperty("bestAccuracy").GetDouble());
            return (position, root.GetProperty("bytes").GetInt64(), root.GetProperty("sha256").GetString() ?? string.Empty);
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FileFormatException(path, $"the record is no JSON object with the members of a checkpoint: {problem.Message}", innerException: problem);
        }
    }

    private string PathOf(long step, string extension) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}{extension}"));
}
