using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using BinaryAttention.Formats.Checkpoints;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>One broken rule a file: the message must say which, and the offset must point at it.</summary>
public sealed class SafeTensorsValidationTests
{
    private const string Good = "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

    public static TheoryData<string, int, string> BrokenHeaders => new()
    {
        // JSON itself
        { "{", 0, "not valid JSON" },
        { "{}x", 0, "not valid JSON" },
        { "{}{}", 0, "not valid JSON" },
        { "{}\0\0", 0, "not valid JSON" },
        { "{" + Good + ",}", 4, "not valid JSON" },
        { "{/*c*/" + Good + "}", 4, "not valid JSON" },
        { "{\"a", 0, "not valid JSON" },
        { "{\"a\\ud800\":{}}", 0, "surrogate" },
        { "{\"a\":[[[[[[[[[[[[", 0, "expected an object" },
        { "{\"a\":{\"dtype\":{\"x\":1}}}", 0, "expected a string" },
        { "{\"a\":{\"shape\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}}", 0, "other than an integer" },

        // duplicates, which JSON lets pass
        { "{" + Good + "," + Good + "}", 4, "appears twice" },
        { "{" + Good + "," + "\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}" + "}", 4, "appears twice" },
        { "{\"__metadata__\":{},\"__metadata__\":{}," + Good + "}", 4, "__metadata__ appears twice" },
        { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + Good + "}", 4, "'k' appears twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"data_offsets\":[0,4]}}", 4, "twice" },

        // entries
        { "{\"a\":null}", 0, "expected an object" },
        { "{\"a\":{}}", 0, "has no dtype" },
        { "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "has no shape" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "has no data_offsets" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"extra\":1}}", 4, "unknown key 'extra'" },
        { "{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "F8_E4M3, F8_E5M2" },
        { "{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "expected a string" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "expected an array" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4.0],\"data_offsets\":[0,4]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4e0],\"data_offsets\":[0,4]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[\"4\"],\"data_offsets\":[0,4]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[-4],\"data_offsets\":[0,4]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[-0],\"data_offsets\":[0,0]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775808],\"data_offsets\":[0,4]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "overflows" },
        { "{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0, "overflows" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "overflows" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "MaxRank" },

        // offsets
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0]}}", 4, "expected [begin, end]" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,8]}}", 4, "more than 2 numbers" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 4, "expected [begin, end]" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[-4,0]}}", 4, "other than an integer" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,5]}}", 5, "needs 4" },
        { "{\"a\":{\"dtype\":\"U16\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "needs 8" },
        { "{" + Good + "}", 3, "only 3 data bytes" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807],\"data_offsets\":[0,9223372036854775807]}}", 4, "only 4 data bytes" },

        // layout
        { "{" + Good + "}", 5, "1 bytes follow the last tensor" },
        { "{}", 1, "1 bytes follow the last tensor" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}", 4, "leave no hole" },
        { "{" + Good + ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[5,7]}}", 7, "leave no hole" },
        { "{" + Good + ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}", 5, "must not overlap" },
        { "{" + Good + ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "must not overlap" },
        { "{" + Good + ",\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}}", 4, "must not overlap" },

        // metadata
        { "{\"__metadata__\":null," + Good + "}", 4, "expected an object" },
        { "{\"__metadata__\":[]," + Good + "}", 4, "expected an object" },
        { "{\"__metadata__\":{\"k\":1}," + Good + "}", 4, "expected a string" },
        { "{\"__metadata__\":{\"k\":{}}," + Good + "}", 4, "expected a string" },
        { "{\"__metadata__\":{\"k\":null}," + Good + "}", 4, "expected a string" },
    };

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void Rejects_BrokenHeader(string header, int dataBytes, string expected)
    {
        ArgumentNullException.ThrowIfNull(header);
        FileFormatException exception = Refuse(CheckpointBytes.SafeTensors(header, dataBytes));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("(at byte ", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.ByteOffset, 8, 8 + header.Length + dataBytes);
    }

    [Fact]
    public void Offsets_PointAtTheBrokenToken()
    {
        const string header = "{\"a\":{\"dtype\":\"F5\",\"shape\":[4],\"data_offsets\":[0,4]}}";
        Assert.Equal(8 + header.IndexOf("\"F5\"", StringComparison.Ordinal), Refuse(CheckpointBytes.SafeTensors(header, 4)).ByteOffset);
        const string overlapping = "{" + Good + ",\"bad\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}";
        Assert.Equal(8 + overlapping.IndexOf("\"bad\"", StringComparison.Ordinal), Refuse(CheckpointBytes.SafeTensors(overlapping, 5)).ByteOffset);
    }

    [Fact]
    public void Rejects_FilesThatAreNotSafeTensors()
    {
        Assert.Contains("begins with the length", Refuse([]).Message, StringComparison.Ordinal);
        Assert.Contains("begins with the length", Refuse(new byte[7]).Message, StringComparison.Ordinal);
        Assert.Contains("header is empty", Refuse(new byte[8]).Message, StringComparison.Ordinal);
        Assert.Contains("byte 0x20", Refuse(CheckpointBytes.SafeTensors(" {}")).Message, StringComparison.Ordinal);
        Assert.Contains("byte 0x5B", Refuse(CheckpointBytes.SafeTensors("[]")).Message, StringComparison.Ordinal);
        Assert.Contains("byte 0xEF", Refuse(CheckpointBytes.SafeTensors("\ufeff{}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rejects_InvalidUtf8_WithItsOffset()
    {
        byte[] header = Encoding.UTF8.GetBytes("{\"__metadata__\":{\"ä\":\"x\"}}");
        int bad = Array.IndexOf(header, (byte)'x');
        header[bad] = 0xC0;
        FileFormatException exception = Refuse(CheckpointBytes.SafeTensors(header));
        Assert.Equal(8 + bad, exception.ByteOffset);
        Assert.Contains("UTF-8", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(long.MaxValue)]
    [InlineData(100_000_001UL)]
    [InlineData(3UL)]
    public void Rejects_HeaderLength_BeyondTheFile(ulong claimed)
    {
        byte[] bytes = CheckpointBytes.SafeTensors("{}");
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, claimed);
        FileFormatException exception = Refuse(bytes);
        Assert.Contains(claimed.ToString(CultureInfo.InvariantCulture), exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, exception.ByteOffset);
    }

    [Fact]
    public void Limits_AreKept_AndNamed()
    {
        string two = "{\"__metadata__\":{\"k\":\"1\",\"l\":\"2\"}," + CheckpointBytes.Entry("first", "U8", "2,1", 0, 2) + "," + CheckpointBytes.Entry("b", "U8", "2", 2, 4) + "}";
        byte[] bytes = CheckpointBytes.SafeTensors(two, 4);
        Assert.Contains("MaxHeaderBytes", Refuse(bytes, new CheckpointLimits { MaxHeaderBytes = two.Length - 1 }).Message, StringComparison.Ordinal);
        Assert.Contains("MaxHeaderBytes", Refuse(bytes, new CheckpointLimits { MaxHeaderBytes = -1 }).Message, StringComparison.Ordinal);
        Assert.Contains("MaxTensors", Refuse(bytes, new CheckpointLimits { MaxTensors = 1 }).Message, StringComparison.Ordinal);
        Assert.Contains("MaxRank", Refuse(bytes, new CheckpointLimits { MaxRank = 1 }).Message, StringComparison.Ordinal);
        Assert.Contains("MaxMetadataEntries", Refuse(bytes, new CheckpointLimits { MaxMetadataEntries = 1 }).Message, StringComparison.Ordinal);
        Assert.Contains("MaxNameLength", Refuse(bytes, new CheckpointLimits { MaxNameLength = 4 }).Message, StringComparison.Ordinal);
        var exact = new CheckpointLimits { MaxHeaderBytes = two.Length, MaxTensors = 2, MaxRank = 2, MaxMetadataEntries = 2, MaxNameLength = 5 };
        using var file = SafeTensorsFile.Parse(bytes, "exact", exact);
        Assert.Equal(2, file.Tensors.Count);
    }

    [Fact]
    public void Messages_ShowNamesHarmlessly()
    {
        string name = "evil\\u001b[31m\\u202e" + new string('x', 500);
        FileFormatException exception = Refuse(CheckpointBytes.SafeTensors($"{{\"{name}\":0}}"));
        Assert.DoesNotContain('\u001b', exception.Message);
        Assert.DoesNotContain('\u202e', exception.Message);
        Assert.InRange(exception.Message.Length, 1, 300);
    }

    private static FileFormatException Refuse(byte[] bytes, CheckpointLimits? limits = null) =>
        Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(bytes, "test", limits));
}
