// Paths of a configuration start at its file's folder; a run keeps full ones, so that it can be continued and reported from anywhere.
namespace BinaryAttention.Models.Training.Configuration;

internal static class ConfigurationPaths
{
    public static TrainingConfiguration Complete(TrainingConfiguration configuration, string folder) => configuration with
    {
        Output = Full(folder, configuration.Output)!,
        Model = configuration.Model with { Checkpoint = Full(folder, configuration.Model.Checkpoint) },
        Loss = configuration.Loss with { Teacher = Full(folder, configuration.Loss.Teacher) },
        Data = configuration.Data with
        {
            Images = Full(folder, configuration.Data.Images)!,
            Labels = Full(folder, configuration.Data.Labels),
            Train = Split(folder, configuration.Data.Train)!,
            Select = Split(folder, configuration.Data.Select),
            Test = Split(folder, configuration.Data.Test),
        },
    };

    private static DataSplit? Split(string folder, DataSplit? split) => split is null ? null : split with { Images = Full(folder, split.Images), Labels = Full(folder, split.Labels) };

    private static string? Full(string folder, string? path) => string.IsNullOrEmpty(path) ? path : Path.GetFullPath(path, Path.GetFullPath(folder));
}
