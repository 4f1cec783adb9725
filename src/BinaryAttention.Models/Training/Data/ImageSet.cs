// Pictures to train or measure on. What an index means never changes during a run; reads may come from several threads.
namespace BinaryAttention.Models.Training.Data;

internal abstract class ImageSet
{
    /// <summary>How many pictures there are.</summary>
    public abstract int Count { get; }

    /// <summary>Whether <see cref="Label"/> means anything.</summary>
    public abstract bool HasLabels { get; }

    /// <summary>Where the pictures come from, for messages and reports.</summary>
    public abstract string Name { get; }

    /// <summary>The names of the classes in the order of their indices, where the pictures' source names them; else empty.</summary>
    public virtual IReadOnlyList<string> Classes => [];

    public abstract ByteImage Image(int index);

    /// <summary>The class index, or -1 without labels.</summary>
    public abstract int Label(int index);

    /// <summary>The largest class index, -1 without labels.</summary>
    public int LargestLabel()
    {
        int largest = -1;
        for (int i = 0; HasLabels && i < Count; i++)
        {
            largest = Math.Max(largest, Label(i));
        }

        return largest;
    }

    /// <summary>A stretch of the pictures.</summary>
    public ImageSet Slice(int first, int count) => first == 0 && count == Count ? this : new ImageSlice(this, first, count);

    private sealed class ImageSlice(ImageSet all, int first, int count) : ImageSet
    {
        public override int Count => count;

        public override bool HasLabels => all.HasLabels;

        public override string Name => $"{all.Name} [{first}, {first + count})";

        public override IReadOnlyList<string> Classes => all.Classes;

        public override ByteImage Image(int index) => all.Image(first + index);

        public override int Label(int index) => all.Label(first + index);
    }
}
