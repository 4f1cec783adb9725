using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Reads NumPy .npy files, version 1.0, of unsigned bytes in C order: magic, header length, a text dictionary, the values.</summary>
internal static partial class NpyBytes
{
    public static (int[] Shape, byte[] Values) Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        Assert.True(file.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x93, .. "NUMPY"u8, 1, 0]), $"{path} is no .npy file of version 1.0.");
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        string header = Encoding.ASCII.GetString(file, 10, headerLength);
        Assert.Contains("'|u1'", header, StringComparison.Ordinal);
        Assert.Contains("'fortran_order': False", header, StringComparison.Ordinal);
        int[] shape = [.. ShapePattern().Match(header).Groups["lengths"].Value
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(length => int.Parse(length, CultureInfo.InvariantCulture))];
        byte[] values = file[(10 + headerLength)..];
        Assert.Equal(shape.Aggregate(1, (product, length) => product * length), values.Length);
        return (shape, values);
    }

    [GeneratedRegex(@"'shape':\s*\((?<lengths>[^)]*)\)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ShapePattern();
}
