// Reads the paired runs among the JSON files of a results folder: *.json holds one object, *.jsonl one on each line. Other objects, such as the lines of 'binattn bench', are passed over. Where the same case
// was measured more than once, the latest run counts.
using System.Globalization;
using System.Text.Json;

namespace BinaryAttention.Cli.Benchmarking.Results;

internal sealed class ResultFolder
{
    private const int MostFiles = 500;
    private const long LongestFileBytes = 16 << 20;

    private readonly SortedDictionary<string, (string Date, PairedAttention Row)> _attention = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (string Date, PairedModel Row)> _models = new(StringComparer.Ordinal);

    private ResultFolder()
    {
    }

    public IReadOnlyList<PairedAttention> Attention => [.. _attention.Values.Select(entry => entry.Row).OrderBy(row => (row.HeadDimension, row.ValueDimension, row.HeadCount, row.Length))];

    public IReadOnlyList<PairedModel> Models => [.. _models.Values.Select(entry => entry.Row).OrderBy(row => row.Model, StringComparer.Ordinal).ThenBy(row => row.ImageSize)];

    /// <summary>Reads a folder.</summary>
    /// <exception cref="BadInputException">Too many or too large files, or one that is not JSON or lacks a figure.</exception>
    public static ResultFolder Read(string folder)
    {
        var results = new ResultFolder();
        string[] files = [.. Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".json" or ".jsonl").Order(StringComparer.Ordinal)];
        if (files.Length > MostFiles)
        {
            throw new BadInputException($"\"{folder}\" holds {files.Length} JSON files; at most {MostFiles} are read. Give a folder of results.");
        }

        foreach (string file in files)
        {
            results.ReadFile(file);
        }

        return results;
    }

    private void ReadFile(string file)
    {
        if (new FileInfo(file).Length > LongestFileBytes)
        {
            throw new BadInputException($"\"{file}\" is longer than {LongestFileBytes >> 20} MiB, too long for results.");
        }

        bool isLines = Path.GetExtension(file) == ".jsonl";
        string[] texts = isLines ? File.ReadAllLines(file) : [File.ReadAllText(file)];
        for (int line = 0; line < texts.Length; line++)
        {
            if (string.IsNullOrWhiteSpace(texts[line]))
            {
                continue;
            }

            try
            {
                using JsonDocument document = JsonDocument.Parse(texts[line]);
                Add(document.RootElement, Path.GetFileName(file));
            }
            catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new BadInputException($"\"{file}\"{(isLines ? $", line {line + 1}," : string.Empty)} is not the JSON of a paired run: {problem.Message}");
            }
        }
    }

    private void Add(JsonElement run, string file)
    {
        if (run.ValueKind != JsonValueKind.Object || !run.TryGetProperty("results", out JsonElement results) || results.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        string date = run.GetProperty("date").GetString() ?? string.Empty;
        string source = $"{file}, {date[..Math.Min(10, date.Length)]}";
        if (run.TryGetProperty("imageSize", out JsonElement size))
        {
            var model = new PairedModel(run.GetProperty("model").GetString() ?? string.Empty, size.GetInt32(), [.. results.EnumerateArray().Select(ModelTime)], source);
            Keep(_models, $"{model.Model} {model.ImageSize}", date, model);
            return;
        }

        foreach (JsonElement row in results.EnumerateArray().Where(row => row.TryGetProperty("shape", out _)))
        {
            PairedAttention attention = AttentionRow(row, source);
            string key = $"{attention.HeadCount} {attention.Length} {attention.HeadDimension} {attention.ValueDimension}";

            // Forms that an older run measured stay beside those of a later one; what both measured is the later's.
            if (_attention.TryGetValue(key, out (string Date, PairedAttention Row) known))
            {
                (PairedAttention later, PairedAttention earlier) = string.CompareOrdinal(date, known.Date) >= 0 ? (attention, known.Row) : (known.Row, attention);
                attention = later with { Times = [.. later.Times, .. earlier.Times.Where(time => later.Times.All(other => other.Name != time.Name))] };
                date = string.CompareOrdinal(date, known.Date) >= 0 ? date : known.Date;
            }

            _attention[key] = (date, attention);
        }
    }

    private static void Keep<T>(SortedDictionary<string, (string Date, T Row)> rows, string key, string date, T row)
    {
        if (!rows.TryGetValue(key, out (string Date, T Row) known) || string.CompareOrdinal(date, known.Date) >= 0)
        {
            rows[key] = (date, row);
        }
    }

    private static PairedTime ModelTime(JsonElement time) => new(time.GetProperty("name").GetString() ?? string.Empty, (time.TryGetProperty("cpuMilliseconds", out JsonElement cpu) ? cpu : time.GetProperty("medianMilliseconds")).GetDouble());

    private static PairedAttention AttentionRow(JsonElement row, string source)
    {
        int[] shape = [.. (row.GetProperty("shape").GetString() ?? string.Empty).Split('x').Select(part => int.Parse(part, CultureInfo.InvariantCulture))];
        if (shape.Length != 4)
        {
            throw new FormatException("a shape has four numbers");
        }

        double? peer = row.TryGetProperty(PairedAttention.Peer, out JsonElement beside) ? beside.GetProperty("medianMilliseconds").GetDouble() : null;
        return new PairedAttention(
            shape[0] * shape[1],
            shape[2],
            shape[3],
            row.GetProperty("valueDimension").GetInt32(),
            [.. row.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object).Select(member => AttentionTime(member.Name, member.Value, peer))],
            source);
    }

    private static PairedTime AttentionTime(string name, JsonElement time, double? peer) =>
        new(name, time.GetProperty("medianMilliseconds").GetDouble(), Optional(time, "packingMilliseconds"), Optional(time, "cyclesPerPair"), name == PairedAttention.Peer ? null : peer);

    private static double? Optional(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : null;
}
