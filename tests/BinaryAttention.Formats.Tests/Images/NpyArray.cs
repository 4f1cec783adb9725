using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>A NumPy .npy file as the golden data uses it: version 1.0, C order, |u1 or little-endian float32.</summary>
internal sealed partial class NpyArray
{
    private readonly byte[] _data;

    private NpyArray(string type, int[] shape, byte[] data)
    {
        Type = type;
        Shape = shape;
        _data = data;
    }

    public string Type { get; }

    public int[] Shape { get; }

    public static NpyArray Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        Assert.True(bytes[0] == 0x93 && bytes.AsSpan(1).StartsWith("NUMPY"u8) && bytes[6] == 1, $"{path} is not a version 1 .npy file");
        int headerLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        string header = Encoding.ASCII.GetString(bytes, 10, headerLength);
        Match match = HeaderPattern().Match(header);
        Assert.True(match.Success, $"{path}: header {header}");
        int[] shape = [.. match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
        byte[] data = bytes[(10 + headerLength)..];
        int itemBytes = match.Groups["type"].Value == "|u1" ? 1 : 4;
        Assert.Equal(shape.Aggregate(itemBytes, static (product, size) => product * size), data.Length);
        return new NpyArray(match.Groups["type"].Value, shape, data);
    }

    public byte[] Bytes()
    {
        Assert.Equal("|u1", Type);
        return _data;
    }

    public float[] Floats()
    {
        Assert.Equal("<f4", Type);
        return MemoryMarshal.Cast<byte, float>(_data).ToArray();
    }

    [GeneratedRegex(@"'descr': '(?<type>\|u1|<f4)', 'fortran_order': False, 'shape': \((?<shape>[0-9, ]*)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HeaderPattern();
}
