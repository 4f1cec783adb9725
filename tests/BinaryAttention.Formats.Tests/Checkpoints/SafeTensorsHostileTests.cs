using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using BinaryAttention.Formats.Checkpoints;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Damaged and malicious bytes: the only outcomes are a FileFormatException or a file that hangs together.</summary>
public sealed class SafeTensorsHostileTests
{
    [Fact]
    public void TruncatedAnywhere_IsRefused()
    {
        byte[] bytes = CheckpointBytes.SmallValid();
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] truncated = bytes[..length];
            Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(truncated));
        }
    }

    [Fact]
    public void TruncatedHeader_WithMatchingLength_IsRefused()
    {
        byte[] bytes = CheckpointBytes.SmallValid();
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        for (int length = 0; length < headerLength - 2; length++)
        {
            byte[] header = bytes[8..(8 + length)];
            Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(CheckpointBytes.SafeTensors(header, 31)));
        }
    }

    [Fact]
    public void EverySingleByte_ChangedToEveryKindOfByte_IsRefusedOrConsistent()
    {
        byte[] bytes = CheckpointBytes.SmallValid();
        byte[] replacements = [0, 1, 0x20, 0x7F, 0x80, 0xC3, 0xFF, .. "\"\\{}[]:,-0159eE.nt"u8];
        for (int position = 0; position < bytes.Length; position++)
        {
            foreach (byte replacement in replacements)
            {
                byte[] changed = [.. bytes];
                changed[position] = replacement;
                RefusesOrIsConsistent(changed);
            }
        }
    }

    [Fact]
    public void RandomMutations_AreRefusedOrConsistent()
    {
        byte[] bytes = CheckpointBytes.SmallValid();
        Gen<(int Kind, int Position, int Value)> step =
            from kind in Gen.Choose(0, 4)
            from position in Gen.Choose(0, bytes.Length - 1)
            from value in Gen.Choose(0, 255)
            select (kind, position, value);
        Arbitrary<(int Kind, int Position, int Value)[]> mutations = step.ArrayOf().ToArbitrary();
        Check(Prop.ForAll(mutations, steps =>
        {
            RefusesOrIsConsistent(Mutate(bytes, steps));
        }));
    }

    [Fact]
    public void RandomHeaders_MadeOfPlausiblePieces_AreRefusedOrConsistent()
    {
        string[] pieces =
        [
            "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"dtype\":", "\"shape\":", "\"data_offsets\":", "\"U8\"", "\"F32\"", "[0,4]", "[4]", "[1]", "[]", "[4,8]", "[0,8]", "0", "-1",
            "9223372036854775807", "null", "true", "\"__metadata__\":", "{\"k\":\"v\"}", " ", "\"a\":{", "\"dtype\":\"U8\",", "\"shape\":[4],", "\"data_offsets\":[0,4]}", "\"data_offsets\":[4,8]}",
        ];
        Arbitrary<string[]> headers = Gen.Elements(pieces).ArrayOf().ToArbitrary();
        Check(Prop.ForAll(headers, chosen =>
        {
            RefusesOrIsConsistent(CheckpointBytes.SafeTensors("{" + string.Concat(chosen) + "}", 4));
        }));
    }

    [Fact]
    public void RandomLayouts_AreAccepted_ExactlyWhenTheyTileTheData()
    {
        // Three byte tensors anywhere in eight bytes; the definition of a tiling is counted byte by byte. Few distinct ends make hits likely.
        int accepted = 0;
        Gen<(int Begin, int Length)> range =
            from begin in Gen.Elements(0, 3, 5, 8)
            from end in Gen.Elements(3, 5, 8)
            select (begin, Math.Max(0, end - begin));
        Arbitrary<(int Begin, int Length)[]> ranges = range.ArrayOf(3).ToArbitrary();
        Check(Prop.ForAll(ranges, chosen =>
        {
            IEnumerable<string> entries = chosen.Select((part, i) => CheckpointBytes.Entry($"t{i}", "U8", part.Length.ToString(CultureInfo.InvariantCulture), part.Begin, part.Begin + part.Length));
            byte[] bytes = CheckpointBytes.SafeTensors("{" + string.Join(',', entries) + "}", 8);
            var uses = new int[17];
            bool isSplit = false;
            foreach ((int begin, int length) in chosen)
            {
                for (int i = begin; i < begin + length; i++)
                {
                    uses[i]++;
                }

                // An empty tensor may stand between two others, not inside one.
                isSplit |= length == 0 && chosen.Any(other => other.Begin < begin && begin < other.Begin + other.Length);
            }

            bool isTiling = uses.Take(8).All(count => count == 1) && uses.Skip(8).All(count => count == 0) && !isSplit;
            accepted += isTiling ? 1 : 0;
            return isTiling == RefusesOrIsConsistent(bytes);
        }));
        Assert.InRange(accepted, 20, 2_900);
    }

    [Fact]
    public void DeepNesting_IsRefused_WithoutRecursion()
    {
        foreach (string piece in new[] { "[", "{\"a\":", "{\"__metadata__\":" })
        {
            string header = "{\"a\":" + string.Concat(Enumerable.Repeat(piece, 200_000));
            Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(CheckpointBytes.SafeTensors(header)));
        }
    }

    [Fact]
    public void ClaimsOfSize_CostNothing()
    {
        byte[][] bombs =
        [
            CheckpointBytes.SafeTensors("{" + CheckpointBytes.Entry("a", "F32", "1000000", 0, 4_000_000) + "}", 4),
            CheckpointBytes.SafeTensors("{" + CheckpointBytes.Entry("a", "F32", "1000000", 0, 4) + "}", 4),
            CheckpointBytes.SafeTensors("{" + CheckpointBytes.Entry("a", "U8", "9223372036854775807", 0, long.MaxValue) + "}"),
            HugeHeaderLength(),
        ];
        foreach (byte[] bomb in bombs)
        {
            Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(bomb)); // warm up: code and messages are compiled once
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(bomb));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        }
    }

    [Fact]
    public void ManyTensors_AreReadInLinearTime_OrRefusedByTheLimit()
    {
        var header = new StringBuilder("{");
        for (int i = 0; i < 50_000; i++)
        {
            header.Append(i == 0 ? "" : ",").Append(CheckpointBytes.Entry($"t{i}", "U8", "0", 0, 0));
        }

        byte[] bytes = CheckpointBytes.SafeTensors(header.Append('}').ToString());
        using var file = SafeTensorsFile.Parse(bytes);
        Assert.Equal(50_000, file.Tensors.Count);
        Assert.Equal("t49999", file.Tensors[^1].Name);
        Assert.Throws<FileFormatException>(() => SafeTensorsFile.Parse(bytes, "many", new CheckpointLimits { MaxTensors = 49_999 }));
    }

    private static byte[] HugeHeaderLength()
    {
        byte[] bytes = CheckpointBytes.SafeTensors("{}");
        BinaryPrimitives.WriteInt64LittleEndian(bytes, 99_999_999);
        return bytes;
    }

    // 0 replaces, 1 flips a bit, 2 deletes, 3 inserts, 4 repeats a stretch; then the header length may be made to fit again, so that the
    // change is seen by the parser behind the length check.
    private static byte[] Mutate(byte[] bytes, (int Kind, int Position, int Value)[] steps)
    {
        var changed = new List<byte>(bytes);
        foreach ((int kind, int position, int value) in steps)
        {
            int at = position % changed.Count;
            switch (kind)
            {
                case 0:
                    changed[at] = (byte)value;
                    break;
                case 1:
                    changed[at] ^= (byte)(1 << (value % 8));
                    break;
                case 2 when changed.Count > 1:
                    changed.RemoveAt(at);
                    break;
                case 3:
                    changed.Insert(at, (byte)value);
                    break;
                default:
                    changed.InsertRange(at, changed.GetRange(at, Math.Min(value % 40, changed.Count - at)));
                    break;
            }
        }

        byte[] result = [.. changed];
        if (result.Length > 39 && steps.Length > 0 && steps[0].Value % 2 == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(result, result.Length - 8 - 31);
        }

        return result;
    }

    // True if accepted. Any other exception than FileFormatException leaves this method and fails the test.
    private static bool RefusesOrIsConsistent(byte[] bytes)
    {
        SafeTensorsFile file;
        try
        {
            file = SafeTensorsFile.Parse(bytes);
        }
        catch (FileFormatException exception)
        {
            Assert.InRange(exception.ByteOffset, -1, bytes.Length);
            return false;
        }

        using (file)
        {
            CheckpointBytes.AssertConsistent(file, bytes.Length);
        }

        return true;
    }

    private static void Check(Property property) =>
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000).WithReplay(20_240_607UL, 11UL), property);
}
