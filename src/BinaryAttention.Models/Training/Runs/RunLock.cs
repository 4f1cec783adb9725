// One process at a time trains in a folder: an empty file that is held open without sharing. It stays behind, as a file that is deleted on closing could be held by two that opened it in turn.
namespace BinaryAttention.Models.Training.Runs;

internal sealed class RunLock : IDisposable
{
    private readonly FileStream _stream;

    private RunLock(FileStream stream) => _stream = stream;

    /// <summary>Takes the folder until the result is disposed or the process ends.</summary>
    /// <exception cref="IOException">Another process trains in the folder, or the file cannot be made.</exception>
    public static RunLock Take(RunFolder folder)
    {
        try
        {
            return new RunLock(new FileStream(folder.LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException problem) when (File.Exists(folder.LockPath))
        {
            throw new IOException($"another process trains in {folder.Folder}. Wait for its end, or choose another output. ({problem.Message})", problem);
        }
    }

    public void Dispose() => _stream.Dispose();
}
