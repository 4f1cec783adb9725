using TestKit.Files;

namespace BinaryAttention.Cli.Tests;

/// <summary>Files written into a test's own folder.</summary>
internal static class TemporaryFiles
{
    public static string Write(this TemporaryFolder folder, string name, byte[] content)
    {
        File.WriteAllBytes(folder[name], content);
        return folder[name];
    }

    public static string Write(this TemporaryFolder folder, string name, string content)
    {
        File.WriteAllText(folder[name], content);
        return folder[name];
    }
}
