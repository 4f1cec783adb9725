using System.Diagnostics;
using TestKit;

namespace BinaryAttention.Cli.Tests.Repository;

/// <summary>The files that belong to the repository.</summary>
internal static class TrackedFiles
{
    /// <summary>Their paths from the root with '/', or null without git or outside a checkout.</summary>
    public static string[]? Find()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["ls-files", "-z"]) { WorkingDirectory = RepositoryFolder.Root, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
            string output = git!.StandardOutput.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode == 0 ? output.Split('\0', StringSplitOptions.RemoveEmptyEntries) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
