using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Models.Training.Configuration;

/// <summary>
/// Reads and writes training configurations: JSON with comments and trailing commas. Unknown members are refused with the names that were probably meant, and every value is checked before
/// anything else happens. Paths are relative to the file's folder.
/// </summary>
public static class ConfigurationFile
{
    private const int MaxFileBytes = 1 << 20;

    private static readonly JsonDocumentOptions Reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16, AllowDuplicateProperties = false };
    private static readonly ConfigurationContext Writing = new(new JsonSerializerOptions(ConfigurationContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="changes">Members to set besides, such as <c>optimizer.learningRate=1e-3</c>; a value that is no JSON is taken as text.</param>
    /// <returns>The configuration, checked, with full paths.</returns>
    /// <exception cref="FileFormatException">The file is no JSON, or holds members or types that no configuration has.</exception>
    /// <exception cref="ArgumentException">A value or a change is not possible; the message says what is.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TrainingConfiguration Read(string path, IReadOnlyList<string>? changes = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var info = new FileInfo(path);
        if (info.Length > MaxFileBytes)
        {
            throw new FileFormatException(path, $"the file has {info.Length} bytes; a configuration has at most {MaxFileBytes}.");
        }

        return Parse(File.ReadAllText(path), path, Path.GetDirectoryName(Path.GetFullPath(path))!, changes);
    }

    /// <summary>Reads text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="sourceName">A name for messages.</param>
    /// <param name="folder">What relative paths start at.</param>
    /// <param name="changes">Members to set besides.</param>
    /// <returns>The configuration, checked, with full paths.</returns>
    /// <exception cref="FileFormatException">The text is no JSON, or holds members or types that no configuration has.</exception>
    /// <exception cref="ArgumentException">A value or a change is not possible; the message says what is.</exception>
    public static TrainingConfiguration Parse(string json, string sourceName, string folder, IReadOnlyList<string>? changes = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            JsonNode? root = JsonNode.Parse(json, documentOptions: Reading);
            if (root is not JsonObject members)
            {
                throw new FileFormatException(sourceName, "the file holds no JSON object; { \"model\": { ... }, ... } is expected.");
            }

            foreach (string change in changes ?? [])
            {
                Change(members, change);
            }

            RefuseUnknown(members, ConfigurationContext.Default.TrainingConfiguration, string.Empty, sourceName);
            TrainingConfiguration configuration = members.Deserialize(ConfigurationContext.Default.TrainingConfiguration)!;
            ConfigurationChecks.Check(configuration);
            return ConfigurationPaths.Complete(configuration, folder);
        }
        catch (JsonException problem)
        {
            string place = problem.Path is { Length: > 2 } path ? $"{path[2..]}: " : string.Empty;
            throw new FileFormatException(sourceName, $"{place}{problem.Message.Replace(" Path: $", " at $", StringComparison.Ordinal)} JSON with // comments is expected; see docs/training.md.", innerException: problem);
        }
        catch (InvalidOperationException problem)
        {
            throw new FileFormatException(sourceName, problem.Message, innerException: problem);
        }
    }

    /// <summary>The configuration as JSON with every member, which <see cref="Parse"/> reads back.</summary>
    /// <param name="configuration">The configuration.</param>
    public static string Text(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return JsonSerializer.Serialize(configuration, Writing.TrainingConfiguration).ReplaceLineEndings("\n") + "\n";
    }

    private static void Change(JsonObject root, string change)
    {
        int equals = change.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new ArgumentException($"The change \"{change}\" has no value; MEMBER=VALUE such as optimizer.learningRate=1e-3 is expected.", nameof(change));
        }

        string[] names = change[..equals].Split('.');
        JsonObject target = root;
        foreach (string name in names[..^1])
        {
            if (target[name] is not JsonObject inner)
            {
                target[name] = inner = [];
            }

            target = inner;
        }

        target[names[^1]] = Value(change[(equals + 1)..]);
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Reading);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static void RefuseUnknown(JsonObject members, JsonTypeInfo type, string path, string sourceName)
    {
        foreach ((string name, JsonNode? value) in members)
        {
            JsonPropertyInfo? property = type.Properties.FirstOrDefault(property => string.Equals(property.Name, name, StringComparison.Ordinal));
            if (property is null)
            {
                string[] names = [.. type.Properties.Select(static property => property.Name)];
                IReadOnlyList<string> near = NearNames.Find(name, names, 1);
                string remedy = near.Count > 0 ? $"Did you mean {near[0]}?" : $"There are {string.Join(", ", names)}.";
                throw new FileFormatException(sourceName, $"{(path.Length == 0 ? "the configuration" : path)} has no member \"{(name.Length > 100 ? name[..100] : name)}\". {remedy}");
            }

            if (value is JsonObject inner && ConfigurationContext.Default.GetTypeInfo(property.PropertyType) is { Kind: JsonTypeInfoKind.Object } innerType)
            {
                RefuseUnknown(inner, innerType, path.Length == 0 ? name : $"{path}.{name}", sourceName);
            }
            else if (value is null && !IsOptional(property))
            {
                throw new FileFormatException(sourceName, $"{(path.Length == 0 ? name : $"{path}.{name}")} is null; leave it out for its default.");
            }
        }
    }

    private static bool IsOptional(JsonPropertyInfo property) => property.IsGetNullable;
}
