// A path as a JSON string, without reflection.
using System.Text.Json.Serialization;

namespace BinaryAttention.Cli.Training;

[JsonSerializable(typeof(string))]
internal sealed partial class TrainingText : JsonSerializerContext;
