// result.json of a finished run.
using System.Text;
using System.Text.Json;
using BinaryAttention.Formats;
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Evaluation;

namespace BinaryAttention.Models.Training.Runs;

internal static class ResultFile
{
    public static void Write(string path, TrainingResult result)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("bestStep", result.BestStep);
            writer.WriteNumber("selectAccuracy", result.SelectAccuracy);
            writer.WriteNumber("parameters", result.ParameterCount);
            if (result.Test is { } test)
            {
                writer.WriteStartObject("test");
                writer.WriteNumber("count", test.Count);
                writer.WriteNumber("correct", test.Correct);
                writer.WriteNumber("accuracy", test.Accuracy);
                if (double.IsFinite(test.Loss))
                {
                    writer.WriteNumber("loss", test.Loss);
                }
                else
                {
                    writer.WriteNull("loss");
                }

                writer.WriteStartArray("confusion");
                foreach (IReadOnlyList<int> row in test.Confusion)
                {
                    writer.WriteRawValue($"[{string.Join(", ", row)}]");
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        AtomicFile.Write(path, Encoding.UTF8.GetString(buffer.ToArray()) + "\n");
    }

    public static TrainingResult Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement root = document.RootElement;
            return new TrainingResult
            {
                BestStep = root.GetProperty("bestStep").GetInt64(),
                SelectAccuracy = root.GetProperty("selectAccuracy").GetDouble(),
                ParameterCount = root.GetProperty("parameters").GetInt64(),
                Test = root.TryGetProperty("test", out JsonElement test)
                    ? new Measurement
                    {
                        Count = test.GetProperty("count").GetInt32(),
                        Correct = test.GetProperty("correct").GetInt32(),
                        Loss = test.GetProperty("loss") is { ValueKind: not JsonValueKind.Null } loss ? loss.GetDouble() : double.NaN,
                        Confusion = [.. test.GetProperty("confusion").EnumerateArray().Select(static row => (IReadOnlyList<int>)[.. row.EnumerateArray().Select(static cell => cell.GetInt32())])],
                    }
                    : null,
            };
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FileFormatException(path, $"this is no result of a training run: {problem.Message}", innerException: problem);
        }
    }
}
