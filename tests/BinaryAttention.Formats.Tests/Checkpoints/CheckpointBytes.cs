using System.Buffers.Binary;
using System.Text;
using BinaryAttention.Formats.Checkpoints;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Builds files byte by byte, so that the reader is not only tested on what the writer makes.</summary>
internal static class CheckpointBytes
{
    /// <summary>A safetensors file of any header text and as many counted-up data bytes.</summary>
    public static byte[] SafeTensors(string header, int dataBytes = 0) => SafeTensors(Encoding.UTF8.GetBytes(header), dataBytes);

    public static byte[] SafeTensors(byte[] header, int dataBytes = 0)
    {
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        for (int i = 0; i < dataBytes; i++)
        {
            file[8 + header.Length + i] = (byte)i;
        }

        return file;
    }

    /// <summary>One entry of a safetensors header.</summary>
    public static string Entry(string name, string type, string shape, long begin, long end) =>
        $"\"{name}\":{{\"dtype\":\"{type}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{end}]}}";

    /// <summary>A small valid file with a scalar, an empty tensor, an escape in a name and metadata.</summary>
    public static byte[] SmallValid() => SafeTensors(
        "{\"__metadata__\":{\"format\":\"pt\"}," + Entry("w\\u0065ight", "F32", "2,3", 0, 24) + "," + Entry("empty", "I64", "0,4", 24, 24)
        + "," + Entry("scale", "F16", "", 24, 26) + "," + Entry("ids", "U8", "5", 26, 31) + "}  ",
        31);

    /// <summary>A .npy file with this dictionary and data.</summary>
    public static byte[] Npy(string header, byte[] data, byte version = 1)
    {
        byte[] text = Encoding.Latin1.GetBytes(header);
        byte[] length = version == 1 ? new byte[2] : new byte[4];
        if (version == 1)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        }

        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. data];
    }

    /// <summary>The names in data order, separated by spaces.</summary>
    public static string Names(SafeTensorsFile file) => string.Join(' ', file.Tensors.Select(entry => entry.Name));

    /// <summary>Reads everything of a parsed file and checks that it hangs together.</summary>
    public static void AssertConsistent(SafeTensorsFile file, int fileBytes)
    {
        long expected = file.Tensors.Count > 0 ? file.Tensors[0].ByteOffset : fileBytes;
        foreach (TensorEntry entry in file.Tensors)
        {
            Xunit.Assert.Equal(expected, entry.ByteOffset);
            Xunit.Assert.True(file.TryGetTensor(entry.Name, out TensorEntry? found));
            Xunit.Assert.Same(entry, found);
            Xunit.Assert.Equal(entry.ByteCount, file.GetBytes(entry).Length);
            Xunit.Assert.Equal(entry.ElementCount, file.ReadSingles(entry.Name).Length);
            Xunit.Assert.Equal(entry.ElementCount, file.ReadDoubles(entry.Name).Length);
            expected += entry.ByteCount;
        }

        Xunit.Assert.Equal(fileBytes, expected);
    }
}
