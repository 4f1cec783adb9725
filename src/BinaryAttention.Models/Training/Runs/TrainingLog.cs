// The log of a run: one JSON object a line, each handed to the system before the next step begins and on disk before a checkpoint is. When a run continues, lines behind its checkpoint's step (and a line cut short by a crash) are removed, so
// that the log is that of one uninterrupted run but for its clock times.
using System.Text;
using System.Text.Json;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class TrainingLog : IDisposable
{
    private readonly FileStream _stream;

    private TrainingLog(FileStream stream) => _stream = stream;

    /// <summary>Opens the log of a run that stands at a step; what was logged behind it goes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Finished steps.</param>
    /// <param name="isInsideEpoch">Whether the epoch of the last step is still to be ended: its line at this step goes too, it will be written again.</param>
    public static TrainingLog Open(string path, long step, bool isInsideEpoch)
    {
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            stream.SetLength(EndOf(stream, step, isInsideEpoch));
            stream.Position = stream.Length;
            return new TrainingLog(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Writes one line.</summary>
    public void Write(string kind, long step, Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("kind", kind);
            writer.WriteNumber("step", step);
            members(writer);
            writer.WriteEndObject();
        }

        buffer.WriteByte((byte)'\n');
        _stream.Write(buffer.GetBuffer(), 0, (int)buffer.Length);
        _stream.Flush();
    }

    /// <summary>Waits until all lines are on disk.</summary>
    public void FlushToDisk() => _stream.Flush(flushToDisk: true);

    public void Dispose() => _stream.Dispose();

    // Bytes up to and with the last line, in an unbroken sequence from the start, whose step is not beyond.
    private static long EndOf(FileStream stream, long step, bool isInsideEpoch)
    {
        long end = 0;
        using var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        while (reader.ReadLine() is { } line)
        {
            long next = end + Encoding.UTF8.GetByteCount(line) + 1;
            if (next > stream.Length || StepOf(line) is not { } found || found.Step > step || (isInsideEpoch && found.IsEpoch && found.Step == step))
            {
                break;
            }

            end = next;
        }

        return end;
    }

    private static (long Step, bool IsEpoch)? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return (root.GetProperty("step").GetInt64(), root.TryGetProperty("kind", out JsonElement kind) && kind.ValueEquals("epoch"));
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
