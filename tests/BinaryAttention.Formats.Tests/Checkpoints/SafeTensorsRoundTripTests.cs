using System.Globalization;
using System.Runtime.InteropServices;
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class SafeTensorsRoundTripTests
{
    [Fact]
    public void AllTypes_ComeBack_BitForBit()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        var tensors = new List<TensorToWrite>();
        foreach (TensorElementType type in Enum.GetValues<TensorElementType>())
        {
            var bytes = new byte[3 * 5 * ElementTypeNames.SizeOf(type)];
            random.NextBytes(bytes);
            tensors.Add(new TensorToWrite($"t.{type}", type, [3, 5], bytes));
        }

        SafeTensorsWriter.Write(folder["all.safetensors"], tensors);
        using var file = SafeTensorsFile.Open(folder["all.safetensors"]);
        Assert.Equal(string.Join(' ', tensors.Select(tensor => tensor.Name)), CheckpointBytes.Names(file));
        foreach (TensorToWrite tensor in tensors)
        {
            TensorEntry entry = file.GetTensor(tensor.Name);
            Assert.Equal(tensor.ElementType, entry.ElementType);
            Assert.Equal(tensor.Shape, entry.Shape);
            Assert.Equal(15, entry.ElementCount);
            Assert.True(file.GetBytes(entry).SequenceEqual(tensor.Bytes.Span));
        }
    }

    [Fact]
    public void Singles_ComeBack_WithNaNZerosAndInfinities()
    {
        using var folder = new TemporaryFolder();
        float[] values = [0f, -0f, 1.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, float.MaxValue];
        SafeTensorsWriter.Write(folder["a"], [TensorToWrite.FromSingles("x", [2, 4], values)]);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), file.ReadSingles("x").Select(BitConverter.SingleToInt32Bits));
        var destination = new float[8];
        file.ReadSingles(file.Tensors[0], destination);
        Assert.Equal(values, destination);
    }

    [Fact]
    public void Scalars_And_EmptyTensors_ComeBack()
    {
        using var folder = new TemporaryFolder();
        TensorToWrite[] tensors =
        [
            TensorToWrite.FromSingles("empty", [0, 3], ReadOnlyMemory<float>.Empty),
            TensorToWrite.FromSingles("scalar", [], new[] { 4f }),
            TensorToWrite.FromSingles("empty2", [2, 0], ReadOnlyMemory<float>.Empty),
        ];
        SafeTensorsWriter.Write(folder["a"], tensors);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.Equal("empty scalar empty2", CheckpointBytes.Names(file));
        Assert.Equal([4f], file.ReadSingles("scalar"));
        Assert.Empty(file.ReadSingles("empty"));
        Assert.Equal(0, file.GetBytes(file.GetTensor("empty2")).Length);
    }

    [Fact]
    public void NoTensors_IsAValidFile()
    {
        using var folder = new TemporaryFolder();
        SafeTensorsWriter.Write(folder["a"], []);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.Empty(file.Tensors);
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void Metadata_And_Names_OfAllLanguages_ComeBack()
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["b"] = "line\nbreak \"quoted\" \\", ["a"] = "größe 重み 😀", [""] = "" };
        SafeTensorsWriter.Write(folder["a"], [TensorToWrite.FromSingles("gewicht.重み😀\t", [1], new[] { 1f }), TensorToWrite.FromSingles("", [1], new[] { 2f })], metadata);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.Equal(metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal), file.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal));
        Assert.Equal([1f], file.ReadSingles("gewicht.重み😀\t"));
        Assert.Equal([2f], file.ReadSingles(""));
    }

    [Fact]
    public void Integers_And_Booleans_AreUpcast()
    {
        Check<byte>(TensorElementType.Boolean, [0, 1, 2], [0, 1, 1]);
        Check<byte>(TensorElementType.Unsigned8, [0, 127, 255], [0, 127, 255]);
        Check<byte>(TensorElementType.Signed8, [0, 127, 128], [0, 127, -128]);
        Check<short>(TensorElementType.Signed16, [short.MinValue, -1, short.MaxValue], [short.MinValue, -1, short.MaxValue]);
        Check<ushort>(TensorElementType.Unsigned16, [0, 1, ushort.MaxValue], [0, 1, ushort.MaxValue]);
        Check<int>(TensorElementType.Signed32, [int.MinValue, -1, int.MaxValue], [int.MinValue, -1, int.MaxValue]);
        Check<uint>(TensorElementType.Unsigned32, [0, 16_777_217, uint.MaxValue], [0, 16_777_217, uint.MaxValue]);
        Check<long>(TensorElementType.Signed64, [long.MinValue, -1, long.MaxValue], [long.MinValue, -1, long.MaxValue]);
        Check<ulong>(TensorElementType.Unsigned64, [0, 9_007_199_254_740_993, long.MaxValue], [0, 9_007_199_254_740_993, long.MaxValue]);
    }

    [Fact]
    public void Unsigned64_BeyondSigned_IsReadAsFloat_AndRefusedAsInteger()
    {
        using SafeTensorsFile file = Holding<ulong>(TensorElementType.Unsigned64, [1, ulong.MaxValue]);
        Assert.Equal([1f, 18_446_744_073_709_551_616f], file.ReadSingles("x"));
        Assert.Equal([1d, 18_446_744_073_709_551_616d], file.ReadDoubles("x"));
        FileFormatException exception = Assert.Throws<FileFormatException>(() => file.ReadInt64s("x"));
        Assert.Equal(file.Tensors[0].ByteOffset + 8, exception.ByteOffset);
        Assert.Contains("element 1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Doubles_AreNarrowed_AndReadExactly()
    {
        double[] values = [Math.PI, 1e300, -1e-300, double.NaN, -0d];
        using SafeTensorsFile file = Holding<double>(TensorElementType.Float64, values);
        Assert.Equal(values, file.ReadDoubles("x"));
        Assert.Equal([(float)Math.PI, float.PositiveInfinity, -0f, float.NaN, -0f], file.ReadSingles("x"));
    }

    [Fact]
    public void FloatTypes_AreRefused_AsIntegers()
    {
        TensorElementType[] types =
        [
            TensorElementType.Float8E4M3, TensorElementType.Float8E5M2, TensorElementType.Float16, TensorElementType.BFloat16, TensorElementType.Float32,
            TensorElementType.Float64,
        ];
        foreach (TensorElementType type in types)
        {
            using SafeTensorsFile file = Holding<byte>(type, new byte[8]);
            Assert.Contains("not rounded", Assert.Throws<FileFormatException>(() => file.ReadInt64s("x")).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void LargeTensors_AreRead_AcrossChunks()
    {
        const int count = (1 << 21) + 3;
        using var folder = new TemporaryFolder();
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = i % 2048;
        }

        SafeTensorsWriter.Write(folder["a"], [TensorToWrite.FromSingles("x", [count], values, TensorElementType.Float16)]);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.True(file.ReadSingles("x").AsSpan().SequenceEqual(values));
        Assert.Equal(values.Sum(value => (double)value), file.ReadDoubles("x").Sum());
    }

    private static void Check<T>(TensorElementType type, T[] stored, long[] expected)
        where T : unmanaged
    {
        using SafeTensorsFile file = Holding(type, stored);
        Assert.Equal(expected, file.ReadInt64s("x"));
        Assert.Equal(expected.Select(value => (float)value), file.ReadSingles("x"));
        Assert.Equal(expected.Select(value => (double)value), file.ReadDoubles("x"));
    }

    // The data begins at an odd offset on purpose: nothing may rely on alignment.
    private static SafeTensorsFile Holding<T>(TensorElementType type, T[] stored)
        where T : unmanaged
    {
        byte[] data = MemoryMarshal.AsBytes<T>(stored).ToArray();
        string shape = (data.Length / ElementTypeNames.SizeOf(type)).ToString(CultureInfo.InvariantCulture);
        string header = "{" + CheckpointBytes.Entry("x", ElementTypeNames.NameOf(type), shape, 0, data.Length) + "}";
        header += header.Length % 2 == 0 ? " " : "";
        return SafeTensorsFile.Parse((byte[])[.. CheckpointBytes.SafeTensors(header), .. data]);
    }
}
