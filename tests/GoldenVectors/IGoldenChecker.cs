// One kind of golden file and how the library is compared with it. A checker is a class with a parameterless constructor; GoldenCheckers finds it.
namespace GoldenVectors;

internal interface IGoldenChecker
{
    /// <summary>Whether this checker is the one for the file; decided by <see cref="GoldenFile.Case"/> and, where that is not enough, the file name.</summary>
    bool Handles(GoldenFile file);

    /// <summary>
    /// Compares. Every tensor of the file must be read by <see cref="GoldenFile.Input(string)"/>, compared by a method of <see cref="GoldenReport"/>, or skipped with a
    /// written reason; the suite fails the file otherwise.
    /// </summary>
    GoldenReport Check(GoldenFile file);
}
