namespace BinaryAttention.Formats.Checkpoints;

/// <summary>
/// What the dictionary of a .npy header says, e.g. <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (2, 3), }</c>. Exactly these three
/// keys, each once; the literal is read as data by <see cref="NpyHeaderScanner"/>, never evaluated.
/// </summary>
internal sealed record NpyHeader(TensorElementType ElementType, long[] Shape)
{
    // NumPy writes '|' where byte order has no meaning. Numbers with '<' are little-endian, the only order read.
    private static readonly (string Descriptor, TensorElementType Type)[] Descriptors =
    [
        ("|b1", TensorElementType.Boolean),
        ("|u1", TensorElementType.Unsigned8),
        ("|i1", TensorElementType.Signed8),
        ("<i2", TensorElementType.Signed16),
        ("<u2", TensorElementType.Unsigned16),
        ("<f2", TensorElementType.Float16),
        ("<i4", TensorElementType.Signed32),
        ("<u4", TensorElementType.Unsigned32),
        ("<f4", TensorElementType.Float32),
        ("<i8", TensorElementType.Signed64),
        ("<u8", TensorElementType.Unsigned64),
        ("<f8", TensorElementType.Float64),
    ];

    /// <summary>Parses the dictionary.</summary>
    /// <param name="header">The bytes between the header length and the data.</param>
    /// <param name="headerStart">Where they stand in the file, for messages.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <param name="limits">The largest rank.</param>
    /// <exception cref="FileFormatException">Anything but the dictionary described above.</exception>
    public static NpyHeader Parse(ReadOnlySpan<byte> header, int headerStart, string sourceName, CheckpointLimits limits)
    {
        var scanner = new NpyHeaderScanner(header, headerStart, sourceName);
        TensorElementType? type = null;
        bool? isFortranOrder = null;
        long[]? shape = null;

        scanner.Require('{');
        while (!scanner.TryTake('}'))
        {
            int keyOffset = scanner.Offset;
            string key = scanner.ReadString();
            scanner.Require(':');
            bool isRepeated;
            switch (key)
            {
                case "descr":
                    isRepeated = type is not null;
                    type = ReadType(ref scanner);
                    break;
                case "fortran_order":
                    isRepeated = isFortranOrder is not null;
                    isFortranOrder = scanner.ReadBoolean();
                    break;
                case "shape":
                    isRepeated = shape is not null;
                    shape = scanner.ReadTuple(limits.MaxRank);
                    break;
                default:
                    throw scanner.Fail($"the header has the unknown key {Quote.Name(key)}; descr, fortran_order and shape are known.", keyOffset);
            }

            if (isRepeated)
            {
                throw scanner.Fail($"the header has the key {Quote.Name(key)} twice; it may appear once.", keyOffset);
            }

            if (!scanner.TryTake(','))
            {
                scanner.Require('}');
                break;
            }
        }

        scanner.RequireEnd();
        if (type is null || isFortranOrder is null || shape is null)
        {
            string missing = type is null ? "descr" : isFortranOrder is null ? "fortran_order" : "shape";
            throw scanner.Fail($"the header has no {missing}; descr, fortran_order and shape are required.", 0);
        }

        // With at most one dimension both orders are the same.
        if (isFortranOrder.Value && shape.Length > 1)
        {
            throw scanner.Fail("the array is stored in Fortran order (columns first); only C order is read. Save numpy.ascontiguousarray(array) instead.", 0);
        }

        return new NpyHeader(type.Value, shape);
    }

    private static TensorElementType ReadType(ref NpyHeaderScanner scanner)
    {
        int offset = scanner.Offset;
        if (scanner.IsAt('['))
        {
            throw scanner.Fail("the array holds records (structured dtype); only plain numbers and truth values are read.", offset);
        }

        string descriptor = scanner.ReadString();
        foreach ((string known, TensorElementType type) in Descriptors)
        {
            if (string.Equals(known, descriptor, StringComparison.Ordinal))
            {
                return type;
            }
        }

        string remedy = descriptor.StartsWith('>') ? " It is big-endian: save array.astype(array.dtype.newbyteorder('<')) instead." : string.Empty;
        throw scanner.Fail($"descr is {Quote.Name(descriptor)}; known are {string.Join(", ", Descriptors.Select(known => known.Descriptor))}.{remedy}", offset);
    }
}
