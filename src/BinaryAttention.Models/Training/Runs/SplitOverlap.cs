// Pictures that are trained on must not be measured on, and those that choose must not judge: splits of the same pictures must not meet.
namespace BinaryAttention.Models.Training.Runs;

internal sealed class SplitOverlap
{
    private readonly List<(string Name, string Images, int First, int Last)> _taken = [];

    /// <summary>Takes a stretch.</summary>
    /// <param name="name">The split's name in the configuration.</param>
    /// <param name="images">Full path of the pictures it is a stretch of.</param>
    /// <param name="first">The first picture.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentException">Another split has taken some of these pictures.</exception>
    public void Take(string name, string images, int first, int count)
    {
        int last = first + count - 1;
        foreach ((string other, string path, int otherFirst, int otherLast) in _taken)
        {
            if (string.Equals(path, images, StringComparison.Ordinal) && first <= otherLast && otherFirst <= last)
            {
                throw new ArgumentException($"data.{other} takes the pictures {otherFirst} to {otherLast} of {images}, data.{name} {first} to {last}: {Math.Max(first, otherFirst)} to {Math.Min(last, otherLast)} are in both. Set first and count so that no picture is in two splits (without count a split takes all that follow).");
            }
        }

        _taken.Add((name, images, first, last));
    }
}
