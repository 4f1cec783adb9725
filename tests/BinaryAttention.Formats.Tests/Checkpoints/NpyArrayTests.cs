using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BinaryAttention.Formats.Checkpoints;
using FsCheck;
using FsCheck.Fluent;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class NpyArrayTests
{
    private const string SmallHeader = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }      \n";

    public static TheoryData<string, string> BrokenHeaders => new()
    {
        { "", "its end" },
        { "[]", "'['" },
        { "{", "string in quotes" },
        { "{}", "no descr" },
        { "{'descr': '<i2', 'fortran_order': False}", "no shape" },
        { "{'descr': '<i2', 'shape': (6,)}", "no fortran_order" },
        { "{'descr': '<i2', 'descr': '<i2', 'fortran_order': False, 'shape': (6,)}", "'descr' twice" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (6,), 'more': True}", "unknown key 'more'" },
        { "{'descr': '<i2' 'fortran_order': False, 'shape': (6,)}", "'}' was expected" },
        { "{'descr': '<i2',, 'fortran_order': False, 'shape': (6,)}", "string in quotes" },
        { "{'descr': '<i2', 'fortran_order': 0, 'shape': (6,)}", "True or False" },
        { "{'descr': '<i2', 'fortran_order': Falsey, 'shape': (6,)}", "'}' was expected" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (6)}", "tuple such as (3,)" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': 6}", "'(' was expected" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (,)}", "non-negative integer" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (-6,)}", "non-negative integer" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (2 3)}", "tuple such as" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3 1)}", "')' was expected" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (6,}", "non-negative integer" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': ((6,),)}", "non-negative integer" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (9223372036854775808,)}", "64 bits" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (9223372036854775807,)}", "overflows" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "overflows" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6)}", "MaxRank" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (7,)}", "needs 14 bytes, but 12 follow" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (5,)}", "needs 10 bytes, but 12 follow" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (6,)} x", "after its closing brace" },
        { "{'descr': '<i2', 'fortran_order': False, 'shape': (6,)}\0", "byte 0x00" },
        { "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}", "ascontiguousarray" },
        { "{'descr': '>i2', 'fortran_order': False, 'shape': (6,)}", "big-endian" },
        { "{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", "known are |b1" },
        { "{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", "known are |b1" },
        { "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "known are |b1" },
        { "{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (6,)}", "records" },
        { "{'descr': '<i2\\'', 'fortran_order': False, 'shape': (6,)}", "0x5C" },
        { "{'descr': '\u00e4', 'fortran_order': False, 'shape': (6,)}", "0xE4" },
        { "{'descr': '<i2, 'fortran_order': False, 'shape': (6,)}", "known are |b1" },
        { "{'descr", "no closing quote" },
        { "{__import__('os').system('true'): 1}", "string in quotes" },
    };

    private static byte[] SmallValid => CheckpointBytes.Npy(SmallHeader, MemoryMarshal.AsBytes<short>([1, -2, 3, -4, 5, short.MaxValue]).ToArray());

    [Theory]
    [InlineData((byte)1)]
    [InlineData((byte)2)]
    [InlineData((byte)3)]
    public void AllVersions_AreRead(byte version)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.npy"], CheckpointBytes.Npy(SmallHeader, SmallValid[^12..], version));
        var array = NpyArray.Read(folder["a.npy"]);
        Assert.Equal([2L, 3L], array.Shape);
        Assert.Equal(TensorElementType.Signed16, array.ElementType);
        Assert.Equal([1f, -2f, 3f, -4f, 5f, 32767f], array.ToSingles());
        Assert.Equal([1d, -2d, 3d, -4d, 5d, 32767d], array.ToDoubles());
        Assert.Equal([1L, -2L, 3L, -4L, 5L, 32767L], array.ToInt64s());
        Assert.Equal(12, array.Bytes.Length);
        Assert.Throws<FileFormatException>(array.ToBytes);
    }

    [Theory]
    [InlineData("|b1", TensorElementType.Boolean)]
    [InlineData("|u1", TensorElementType.Unsigned8)]
    [InlineData("|i1", TensorElementType.Signed8)]
    [InlineData("<i2", TensorElementType.Signed16)]
    [InlineData("<u2", TensorElementType.Unsigned16)]
    [InlineData("<f2", TensorElementType.Float16)]
    [InlineData("<i4", TensorElementType.Signed32)]
    [InlineData("<u4", TensorElementType.Unsigned32)]
    [InlineData("<f4", TensorElementType.Float32)]
    [InlineData("<i8", TensorElementType.Signed64)]
    [InlineData("<u8", TensorElementType.Unsigned64)]
    [InlineData("<f8", TensorElementType.Float64)]
    public void AllTypes_AreRead(string descriptor, TensorElementType type)
    {
        var data = new byte[2 * ElementTypeNames.SizeOf(type)];
        data[0] = 1;
        var array = NpyArray.Parse(CheckpointBytes.Npy($"{{\"descr\":\"{descriptor}\",\"shape\":(2,),\"fortran_order\":True}}", data));
        Assert.Equal(type, array.ElementType);
        Assert.Equal(data, array.Bytes.ToArray());
        Assert.Equal(2, array.ToSingles().Length);
        if (ElementTypeNames.IsInteger(type))
        {
            Assert.Equal([1L, 0L], array.ToInt64s());
        }
        else
        {
            Assert.Throws<FileFormatException>(array.ToInt64s);
        }
    }

    [Fact]
    public void Bytes_Scalars_And_EmptyArrays_AreRead()
    {
        var bytes = NpyArray.Parse(CheckpointBytes.Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }\n", [7, 8, 255]));
        Assert.Equal([7, 8, 255], bytes.ToBytes());
        var scalar = NpyArray.Parse(CheckpointBytes.Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", [0, 0, 0x80, 0x3F]));
        Assert.Empty(scalar.Shape);
        Assert.Equal([1f], scalar.ToSingles());
        Assert.Empty(NpyArray.Parse(CheckpointBytes.Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }", [])).ToSingles());
        var large = NpyArray.Parse(CheckpointBytes.Npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", [.. Enumerable.Repeat((byte)255, 8)]));
        Assert.Throws<FileFormatException>(large.ToInt64s);
    }

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void Rejects_BrokenHeader(string header, string expected)
    {
        FileFormatException exception = Assert.Throws<FileFormatException>(() => NpyArray.Parse(CheckpointBytes.Npy(header, new byte[12])));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.ByteOffset, 0, 10 + header?.Length ?? 0);
    }

    [Fact]
    public void Rejects_OtherFiles_AndVersions()
    {
        Assert.Contains("signature", Refuse([]).Message, StringComparison.Ordinal);
        Assert.Contains("signature", Refuse("PK\u0003\u0004 an archive"u8.ToArray()).Message, StringComparison.Ordinal);
        foreach ((byte major, byte minor) in new[] { ((byte)0, (byte)0), ((byte)4, (byte)0), ((byte)1, (byte)1), ((byte)255, (byte)0) })
        {
            byte[] bytes = SmallValid;
            (bytes[6], bytes[7]) = (major, minor);
            Assert.Contains($"{major}.{minor}", Refuse(bytes).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TruncatedAnywhere_IsRefused()
    {
        foreach (byte version in new byte[] { 1, 2, 3 })
        {
            byte[] bytes = CheckpointBytes.Npy(SmallHeader, new byte[12], version);
            for (int length = 0; length < bytes.Length; length++)
            {
                Refuse(bytes[..length]);
            }

            Refuse([.. bytes, 0]);
        }
    }

    [Fact]
    public void Limits_AreKept_AndNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.npy"], SmallValid);
        FileFormatException exception = Assert.Throws<FileFormatException>(() => NpyArray.Read(folder["a.npy"], new CheckpointLimits { MaxBytesInMemory = 20 }));
        Assert.Contains("MaxBytesInMemory", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<FileFormatException>(() => NpyArray.Read(folder["a.npy"], new CheckpointLimits { MaxHeaderBytes = 20 }));
        Assert.Contains("MaxHeaderBytes", exception.Message, StringComparison.Ordinal);
        byte[] bomb = CheckpointBytes.Npy("", [], version: 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bomb.AsSpan(8), uint.MaxValue);
        Assert.Contains("4294967295", Refuse(bomb).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RandomMutations_AreRefusedOrConsistent()
    {
        byte[] bytes = SmallValid;
        Gen<(int Position, int Value)> step =
            from position in Gen.Choose(0, bytes.Length - 1)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements("{}(),:'\"0123456789 <>|TrueFalse".Select(letter => (int)letter)))
            select (position, value);
        Property property = Prop.ForAll(step.ArrayOf().ToArbitrary(), steps =>
        {
            byte[] changed = [.. bytes];
            foreach ((int position, int value) in steps)
            {
                changed[position] = (byte)value;
            }

            try
            {
                var array = NpyArray.Parse(changed);
                Assert.Equal(array.Bytes.Length, array.ToSingles().Length * ElementTypeNames.SizeOf(array.ElementType));
            }
            catch (FileFormatException)
            {
                // the expected end of a damaged file
            }
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000).WithReplay(20_240_607UL, 11UL), property);
    }

    private static FileFormatException Refuse(byte[] bytes) => Assert.Throws<FileFormatException>(() => NpyArray.Parse(bytes));
}
