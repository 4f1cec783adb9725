namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// One tensor of a checkpoint: what it is called, what it holds and where its bytes lie. Two entries are equal when all of that is
/// equal, the shape compared length by length.
/// </summary>
/// <param name="Name">The tensor's name, as stored.</param>
/// <param name="ElementType">How its elements are encoded.</param>
/// <param name="Shape">Length of every dimension, outermost first; empty for a scalar.</param>
/// <param name="ByteOffset">Offset of the first data byte from the start of the file, or -1 if the file holds it compressed.</param>
/// <param name="ByteCount">Number of data bytes.</param>
public sealed record TensorEntry(string Name, TensorElementType ElementType, IReadOnlyList<long> Shape, long ByteOffset, long ByteCount)
{
    /// <summary>Number of elements: the product of the shape, 1 for a scalar.</summary>
    /// <exception cref="InvalidOperationException">The entry was made by hand with a negative length or a product beyond 64 bits; entries of a file never are.</exception>
    public long ElementCount => ShapeProduct.TryMultiply(Shape, 1, out long elements, out _)
        ? elements
        : throw new InvalidOperationException($"tensor {Quote.Name(Name)} has shape [{string.Join(", ", Shape)}], which has a negative length or more elements than 64 bits count.");

    /// <inheritdoc/>
    public bool Equals(TensorEntry? other) => other is not null
        && ByteOffset == other.ByteOffset
        && ByteCount == other.ByteCount
        && ElementType == other.ElementType
        && string.Equals(Name, other.Name, StringComparison.Ordinal)
        && Shape.SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(string.GetHashCode(Name, StringComparison.Ordinal), ElementType, Shape.Count, ByteOffset, ByteCount);
}
