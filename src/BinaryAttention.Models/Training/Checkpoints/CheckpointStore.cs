// The checkpoints of a run: step-N.safetensors with weights, optimiser and moving average, and step-N.json with the position, the length and the SHA-256 of the tensors' file, and a SHA-256 of
// its own other members. Both are written
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
    private const string Prefix = "step-";
    private const int Kept = 2;
    private const int MaxRecordBytes = 1 << 16;
    private const string Format = "binary-attention-training-2";

    private readonly string _folder;
    private readonly int _batchesPerStep;

    /// <summary>The checkpoints in a folder.</summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    /// <param name="batchesPerStep">Batches of one step of the optimiser.</param>
    public CheckpointStore(string folder, int batchesPerStep)
    {
        (_folder, _batchesPerStep) = (folder, batchesPerStep);
        Directory.CreateDirectory(folder);
    }

    /// <summary>Writes a checkpoint and removes those that are older than the last two.</summary>
    public void Save(TrainingPosition position, IReadOnlyList<StateTensor> tensors)
    {
        string path = PathOf(position.Step, ".safetensors");
        TensorToWrite[] written = [.. tensors.Select(static tensor => TensorToWrite.FromSingles(tensor.Name, tensor.Shape, tensor.Values))];
        SafeTensorsWriter.Write(
            path,
            written,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = Format, ["step"] = position.Step.ToString(CultureInfo.InvariantCulture) });

        (long bytes, string hash) = Meant(path, written);
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
            .Where(step => step >= 0 && File.Exists(PathOf(step, ".json")))
            .Distinct()
            .OrderDescending(),
    ];

    // Killed between its two files, a checkpoint is written or removed by half: tensors without a record.
    private void RemoveLeftovers()
    {
        foreach (string path in Directory.GetFiles(_folder))
        {
            string name = Path.GetFileName(path);
            bool isHalf = AtomicFile.OriginalOf(name) is { } original && (original.Length == 0 || IsOwn(original, ".json"));
            if (isHalf || (IsOwn(name, ".safetensors") && !File.Exists(Path.ChangeExtension(path, ".json"))))
            {
                File.Delete(path);
            }
        }
    }

    private static bool IsOwn(string name, string extension) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.Ordinal) && name.Length > Prefix.Length + extension.Length
        && !name.AsSpan(Prefix.Length, name.Length - Prefix.Length - extension.Length).ContainsAnyExceptInRange('0', '9');

    // Of the values as they are in memory, behind the header as it was written: what the disk made of them is told when they are read.
    private static (long Bytes, string Hash) Meant(string path, TensorToWrite[] tensors)
    {
        using FileStream stream = File.OpenRead(path);
        var header = new byte[stream.Length - tensors.Sum(static tensor => (long)tensor.Bytes.Length)];
        stream.ReadExactly(header);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        foreach (TensorToWrite tensor in tensors)
        {
            hash.AppendData(tensor.Bytes.Span);
        }

        return (stream.Length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    // Of every other member of the record; numbers by their bits.
    private static string RecordHash(TrainingPosition position, long bytes, string hash) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{Format} {bytes} {hash} {position.Step} {position.Batch} {BitConverter.DoubleToInt64Bits(position.EpochLoss)} {position.EpochCorrect} {position.EpochBatches} {position.BestStep} {BitConverter.DoubleToInt64Bits(position.BestAccuracy)}"))));

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
            writer.WriteString("recordSha256", RecordHash(position, bytes, hash));
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

        if (position.Batch != position.Step * _batchesPerStep)
        {
            throw new FileFormatException(recordPath, $"the record has step {position.Step} and batch {position.Batch}; {_batchesPerStep} batches a step are expected.");
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
            long bytes = root.GetProperty("bytes").GetInt64();
            string hash = root.GetProperty("sha256").GetString() ?? string.Empty;
            return string.Equals(root.GetProperty("recordSha256").GetString(), RecordHash(position, bytes, hash), StringComparison.Ordinal)
                ? (position, bytes, hash)
                : throw new FileFormatException(path, "the record does not have the SHA-256 that it names. It is damaged.");
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FileFormatException(path, $"the record is no JSON object with the members of a checkpoint: {problem.Message}", innerException: problem);
        }
    }

    private string PathOf(long step, string extension) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}{extension}"));
}
