// A golden file and the record of what a checker has done with each of its tensors.
using System.Text.Json;

namespace GoldenVectors;

internal sealed class GoldenFile
{
    private readonly Dictionary<string, GoldenTensor> _tensors;
    private readonly HashSet<string> _touched = new(StringComparer.Ordinal);
    private readonly string _folder;

    private GoldenFile(string path, Dictionary<string, string> metadata, Dictionary<string, GoldenTensor> tensors)
    {
        _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        FileName = Path.GetFileName(path);
        Metadata = metadata;
        _tensors = tensors;
    }

    public string FileName { get; }

    public string FullPath => Path.Combine(_folder, FileName);

    /// <summary>Which module was run: the key by which checkers choose.</summary>
    public string Case => Metadata.GetValueOrDefault("case", string.Empty);

    public IReadOnlyDictionary<string, string> Metadata { get; }

    public IReadOnlyCollection<string> Names => _tensors.Keys;

    public IEnumerable<string> Untouched => _tensors.Keys.Where(name => !_touched.Contains(name)).Order(StringComparer.Ordinal);

    public static GoldenFile Read(string path)
    {
        (Dictionary<string, string> metadata, Dictionary<string, GoldenTensor> tensors) = SafeTensorsReader.Read(path);
        return new GoldenFile(path, metadata, tensors);
    }

    /// <summary>Another file of the same folder (weights stored beside inputs and outputs); its tensors are not part of this file's account.</summary>
    public GoldenFile Companion(string fileName) => Read(Path.Combine(_folder, fileName));

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>A metadata value that is JSON text.</summary>
    public JsonElement MetadataJson(string key)
    {
        using JsonDocument document = JsonDocument.Parse(Metadata[key]);
        return document.RootElement.Clone();
    }

    public int MetadataInt(string key) => int.Parse(Metadata[key], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A tensor that the computation starts from: an input, a weight, an upstream gradient.</summary>
    public GoldenTensor Input(string name)
    {
        GoldenTensor tensor = Peek(name);
        _touched.Add(name);
        return tensor;
    }

    /// <summary>A weight that is stored as <paramref name="tensorName"/> or given by formula under <paramref name="formulaName"/>; null if the file has neither.</summary>
    public GoldenTensor? Weight(string tensorName, string formulaName)
    {
        if (Has(tensorName))
        {
            return Input(tensorName);
        }

        return FormulaWeights().TryGetValue(formulaName, out FormulaWeight? formula)
            ? new GoldenTensor(formulaName, "F32", formula.Shape, Array.ConvertAll(formula.Make(), static value => (double)value))
            : null;
    }

    /// <summary>The weights that the metadata gives by formula, by name.</summary>
    public IReadOnlyDictionary<string, FormulaWeight> FormulaWeights()
    {
        var weights = new Dictionary<string, FormulaWeight>(StringComparer.Ordinal);
        if (Metadata.ContainsKey("formula_weights"))
        {
            foreach (JsonProperty entry in MetadataJson("formula_weights").GetProperty("tensors").EnumerateObject())
            {
                int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
                weights.Add(entry.Name, new FormulaWeight(shape, entry.Value.GetProperty("seed").GetUInt32(), entry.Value.GetProperty("step").GetDouble(), entry.Value.GetProperty("offset").GetDouble()));
            }
        }

        return weights;
    }

    /// <summary>A tensor without any effect on the account; <see cref="GoldenReport"/> reads expected values by it.</summary>
    public GoldenTensor Peek(string name) => _tensors.TryGetValue(name, out GoldenTensor? tensor)
        ? tensor
        : throw new KeyNotFoundException($"{FileName} has no tensor {name}.");

    /// <summary>Marks a tensor as dealt with.</summary>
    public void Touch(string name) => _touched.Add(name);
}
