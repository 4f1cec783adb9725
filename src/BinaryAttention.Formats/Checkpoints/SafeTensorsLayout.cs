namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// Checks that the tensors tile the data: sorted by offset, each begins where the one before ends, the first at the first data byte,
/// the last ending with the file. That rules out overlaps, holes and trailing bytes, places where foreign content could hide.
/// </summary>
internal static class SafeTensorsLayout
{
    /// <summary>Sorts the tensors into data order and checks the tiling.</summary>
    /// <exception cref="FileFormatException">Overlap, hole or trailing bytes.</exception>
    public static SafeTensorsHeader Check(List<PendingTensor> tensors, IReadOnlyDictionary<string, string> metadata, long fileLength, long dataStart, string sourceName)
    {
        // Empty tensors share their offset with a neighbour: they come first, in header order.
        tensors.Sort(static (left, right) =>
        {
            int order = left.Entry.ByteOffset.CompareTo(right.Entry.ByteOffset);
            order = order != 0 ? order : left.Entry.ByteCount.CompareTo(right.Entry.ByteCount);
            return order != 0 ? order : left.NameByteOffset.CompareTo(right.NameByteOffset);
        });

        var entries = new TensorEntry[tensors.Count];
        var byName = new Dictionary<string, TensorEntry>(tensors.Count, StringComparer.Ordinal);
        long expected = dataStart;
        for (int i = 0; i < entries.Length; i++)
        {
            TensorEntry entry = tensors[i].Entry;
            if (entry.ByteOffset != expected)
            {
                string problem = entry.ByteOffset < expected
                    ? $"tensor {Quote.Name(entry.Name)} begins at data byte {entry.ByteOffset - dataStart}, inside tensor {Quote.Name(entries[i - 1].Name)}, which ends at {expected - dataStart}; tensors must not overlap."
                    : $"tensor {Quote.Name(entry.Name)} begins at data byte {entry.ByteOffset - dataStart}, but the data before it ends at {expected - dataStart}; tensors must leave no hole.";
                throw new FileFormatException(sourceName, problem, tensors[i].NameByteOffset);
            }

            expected = entry.ByteOffset + entry.ByteCount;
            entries[i] = entry;
            byName.Add(entry.Name, entry);
        }

        if (expected != fileLength)
        {
            throw new FileFormatException(sourceName, $"{fileLength - expected} bytes follow the last tensor; the data must end with it.", expected);
        }

        return new SafeTensorsHeader(Array.AsReadOnly(entries), byName, metadata);
    }
}
