using BinaryAttention.Formats.Checkpoints.Zip;

namespace BinaryAttention.Formats.Checkpoints;

/// <summary>Tells the formats of tensor files apart by their content and names those that are not read.</summary>
internal static class TensorFileFormat
{
    private const int TarMagicOffset = 257;

    // The number that pickles of PyTorch before 1.6 begin with, behind the protocol and the instruction for a 10-byte integer.
    private static ReadOnlySpan<byte> OldPyTorch => [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];

    /// <summary>Opens bytes of any known format and takes ownership of them.</summary>
    public static TensorFile Create(ByteSource bytes, string sourceName, CheckpointLimits limits)
    {
        try
        {
            if (!IsZip(bytes))
            {
                RefuseKnown(bytes, sourceName);
                return SafeTensorsFile.Create(bytes, sourceName, limits);
            }

            var archive = ZipDirectory.Read(bytes, sourceName, limits);
            if (PyTorchCheckpoint.FindPickle(archive) is not null)
            {
                return PyTorchCheckpoint.Create(bytes, archive, sourceName, limits);
            }

            return archive.Entries.All(static entry => entry.Name.EndsWith(NpzFile.Suffix, StringComparison.Ordinal))
                ? NpzFile.Create(bytes, archive, sourceName, limits)
                : throw new FileFormatException(sourceName, "the zip archive is neither a PyTorch checkpoint (a member data.pkl) nor a NumPy archive (.npy members alone).", 0);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Whether the bytes begin as a zip archive does, an empty one included.</summary>
    public static bool IsZip(ByteSource bytes) => bytes.Length >= 4 && bytes.Slice(0, 4) is [(byte)'P', (byte)'K', 3, 4] or [(byte)'P', (byte)'K', 5, 6];

    /// <summary>Opens bytes of what must be a zip archive and takes ownership of them.</summary>
    public static T OpenZip<T>(ByteSource bytes, string expected, string sourceName, CheckpointLimits limits, Func<ByteSource, ZipDirectory, string, CheckpointLimits, T> create)
        where T : TensorFile
    {
        try
        {
            if (!IsZip(bytes))
            {
                RefuseKnown(bytes, sourceName);
                throw new FileFormatException(sourceName, $"the file does not begin with the signature of a zip archive ('PK'), as {expected} does.", 0);
            }

            return create(bytes, ZipDirectory.Read(bytes, sourceName, limits), sourceName, limits);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static void RefuseKnown(ByteSource bytes, string sourceName)
    {
        ReadOnlySpan<byte> start = bytes.Slice(0, (int)Math.Min(bytes.Length, 512));
        const string again = "Load it with PyTorch 1.6 or later and save it again with torch.save.";
        if (start.Length > 2 && start[0] == 0x80 && start[2..].StartsWith(OldPyTorch))
        {
            throw new FileFormatException(sourceName, $"this is a PyTorch checkpoint of the format before 1.6 (pickles in a row, no zip archive), which is not read. {again}", 0);
        }

        // Only what safetensors cannot be: its ninth byte is a brace.
        bool isSafeTensors = start.Length > 8 && start[8] == (byte)'{';
        if (start.Length > 1 && !isSafeTensors && start[0] == 0x80 && start[1] is >= 2 and <= 5)
        {
            throw new FileFormatException(sourceName, "this is a bare Python pickle, which is not read. Save the tensors as safetensors, or with torch.save of PyTorch 1.6 or later.", 0);
        }

        if (!isSafeTensors && start.Length > TarMagicOffset + 5 && start[TarMagicOffset..].StartsWith("ustar"u8))
        {
            throw new FileFormatException(sourceName, $"this is a tar archive, as the first versions of PyTorch wrote, which is not read. {again}", TarMagicOffset);
        }

        if (start is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..])
        {
            throw new FileFormatException(sourceName, "this is a single NumPy array (.npy), not a file of named tensors. Use NpyArray, or save it with numpy.savez.", 0);
        }
    }
}
