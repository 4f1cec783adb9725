using System.Buffers.Binary;

namespace BinaryAttention.Formats;

/// <summary>
/// CRC-32 over the reflected polynomial 0xEDB88320 (PNG and zip), four bytes a step: table k holds the effect of a byte that
/// k more zero bytes follow, so the four look-ups of one step are independent of each other.
/// </summary>
internal static class Crc32
{
    private static readonly uint[][] Tables = BuildTables();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint[] table0 = Tables[0], table1 = Tables[1], table2 = Tables[2], table3 = Tables[3];
        uint crc = uint.MaxValue;
        while (data.Length >= 4)
        {
            crc ^= BinaryPrimitives.ReadUInt32LittleEndian(data);
            crc = table3[crc & 0xFF] ^ table2[(crc >> 8) & 0xFF] ^ table1[(crc >> 16) & 0xFF] ^ table0[crc >> 24];
            data = data[4..];
        }

        foreach (byte value in data)
        {
            crc = table0[(crc ^ value) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[][] BuildTables()
    {
        var tables = new uint[4][];
        tables[0] = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * 0xEDB88320u);
            }

            tables[0][i] = value;
        }

        for (int k = 1; k < 4; k++)
        {
            tables[k] = new uint[256];
            for (int i = 0; i < 256; i++)
            {
                uint value = tables[k - 1][i];
                tables[k][i] = (value >> 8) ^ tables[0][value & 0xFF];
            }
        }

        return tables;
    }
}
