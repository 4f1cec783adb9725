// What reads and writes configurations without reflection, so that trimmed programs can.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BinaryAttention.Models.Training.Configuration;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainingConfiguration))]
internal sealed partial class ConfigurationContext : JsonSerializerContext;
