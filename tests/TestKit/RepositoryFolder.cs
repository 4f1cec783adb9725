namespace TestKit;

/// <summary>The checkout that the running tests were built from.</summary>
public static class RepositoryFolder
{
    /// <summary>The folder that holds the solution, found upwards from the test program.</summary>
    public static string Root { get; } = Find();

    public static string PathOf(string relativePath) => Path.Combine(Root, relativePath);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "BinaryAttention.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"BinaryAttention.slnx was not found above {AppContext.BaseDirectory}. Tests run from a checkout.");
    }
}
