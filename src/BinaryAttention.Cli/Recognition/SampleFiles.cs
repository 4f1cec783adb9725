// Finds files that ship with the repository: walks up from the program and from the current directory to the folder that has them.
namespace BinaryAttention.Cli.Recognition;

internal static class SampleFiles
{
    public const string ModelPath = "samples/models/deit_tiny_patch16_224.f16.safetensors";

    public static string? TryFind(string relativePath)
    {
        foreach (string start in (string[])[Environment.CurrentDirectory, AppContext.BaseDirectory])
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                string candidate = Path.Combine(folder.FullName, relativePath);
                if (File.Exists(candidate))
                {
                    return candidate;
                }
            }
        }

        return null;
    }
}
