using BinaryAttention.Formats.Images.Jpeg;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>Codes of every length are found through the entropy reader, and impossible code lengths are recognised.</summary>
public sealed class HuffmanTableTests
{
    [Fact]
    public void Reads_Codes_Of_Every_Length_And_Stuffed_Bytes()
    {
        // One code of each length 1..15 and two of 16: 0, 10, 110, ... the last one all ones.
        byte[] counts = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2];
        byte[] symbols = [.. Enumerable.Range(100, 17).Select(symbol => (byte)symbol)];
        Assert.False(HuffmanTable.IsOversubscribed(counts));
        var table = new HuffmanTable(counts, symbols);
        var random = new Random(1);
        int[] expected = [.. Enumerable.Range(0, 3000).Select(_ => random.Next(17))];
        var writer = new JpegBitWriter();
        foreach (int index in expected)
        {
            int length = Math.Min(index + 1, 16);
            writer.Write(index == 16 ? 0xFFFF : (1 << length) - 2, length);
        }

        byte[] data = writer.ToBytes();
        Assert.Contains((byte)0xFF, data);
        var reader = new EntropyReader(data, 0, "test");
        foreach (int index in expected)
        {
            Assert.Equal(100 + index, reader.ReadSymbol(table));
            reader.RequireEnoughData();
        }
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(true, 2, 1)]
    [InlineData(true, 1, 1, 1, 3)]
    [InlineData(true, 0, 0, 0, 0, 0, 0, 0, 255, 3)]
    [InlineData(false, 2)]
    [InlineData(false, 1, 1, 1, 2)]
    [InlineData(false, 0, 0, 0, 0, 0, 0, 0, 255, 2)]
    [InlineData(false, 1)]
    public void Recognises_Impossible_Lengths(bool oversubscribed, params int[] counts)
    {
        var all = new byte[16];
        for (int i = 0; i < counts.Length; i++)
        {
            all[i] = (byte)counts[i];
        }

        Assert.Equal(oversubscribed, HuffmanTable.IsOversubscribed(all));
    }

    [Fact]
    public void Values_Extend_Their_Sign()
    {
        byte[] counts = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var table = new HuffmanTable(counts, [0]);
        for (int size = 1; size <= 15; size++)
        {
            foreach (int value in (int[])[1 << (size - 1), (1 << size) - 1, -(1 << (size - 1)), 1 - (1 << size)])
            {
                var writer = new JpegBitWriter();
                writer.Write(0, 1);
                writer.WriteValue(value, size);
                var reader = new EntropyReader(writer.ToBytes(), 0, "test");
                Assert.Equal(0, reader.ReadSymbol(table));
                Assert.Equal(value, reader.ReadValue(size));
            }
        }
    }

    [Fact]
    public void An_Undefined_Code_Is_Refused()
    {
        byte[] counts = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var table = new HuffmanTable(counts, [0]);
        Assert.Throws<FileFormatException>(() => new EntropyReader([0xC0, 0, 0, 0], 0, "test").ReadSymbol(table));
    }
}
