// Matrix instructions as the interpreter runs them, against plain matrix products of random matrices. Operands are placed by the formulas of the PTX ISA, not by the tables.
using System.Globalization;
using System.Numerics;
using System.Text;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Interpreter;

public sealed class MatrixProductTests
{
    [Theory]
    [InlineData(256)]
    [InlineData(128)]
    public void Counts_CommonBits(int bits)
    {
        int words = bits / 32;
        var random = new Random(bits);
        uint[,] left = Random(random, 16, words);
        uint[,] right = Random(random, 8, words);
        int rowRegisters = words / 2;

        // A: register r of lane 4 g + t holds word t + 4 (r / 2) of row g + 8 (r mod 2); B: register r holds word t + 4 r of column g.
        int[] sums = Run(
            bits == 256 ? "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc" : "mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc",
            Enumerable.Range(0, rowRegisters * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => left[(i.Lane / 4) + (8 * (i.Register % 2)), (i.Lane % 4) + (4 * (i.Register / 2))]).ToArray(),
            Enumerable.Range(0, words / 4 * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => right[i.Lane / 4, (i.Lane % 4) + (4 * i.Register)]).ToArray());
        Check(sums, (row, column) => Enumerable.Range(0, words).Sum(word => BitOperations.PopCount(left[row, word] & right[column, word])));
    }

    [Fact]
    public void Multiplies_UnsignedBySignedBytes()
    {
        var random = new Random(3);
        uint[,] left = Random(random, 16, 8);
        uint[,] right = Random(random, 8, 8);
        int[] sums = Run(
            "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32",
            Enumerable.Range(0, 4 * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => left[(i.Lane / 4) + (8 * (i.Register % 2)), (i.Lane % 4) + (4 * (i.Register / 2))]).ToArray(),
            Enumerable.Range(0, 2 * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => right[i.Lane / 4, (i.Lane % 4) + (4 * i.Register)]).ToArray());
        Check(sums, (row, column) => Enumerable.Range(0, 32).Sum(k => (byte)(left[row, k / 4] >> (8 * (k % 4))) * (sbyte)(right[column, k / 4] >> (8 * (k % 4)))));
    }

    private static uint[,] Random(Random random, int rows, int words)
    {
        var matrix = new uint[rows, words];
        for (int row = 0; row < rows; row++)
        {
            for (int word = 0; word < words; word++)
            {
                matrix[row, word] = (uint)random.NextInt64(1L << 32);
            }
        }

        return matrix;
    }

    private static void Check(int[] sums, Func<int, int, int> expected)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                // c_i lies at row g + 8 (i / 2), column 2 t + (i mod 2); the product is added to 1000 + i.
                Assert.Equal(expected((lane / 4) + (8 * (i / 2)), (2 * (lane % 4)) + (i % 2)) + 1000 + i, sums[(i * 32) + lane]);
            }
        }
    }

    // Loads every register from memory, multiplies, stores: [register][lane].
    private static int[] Run(string mnemonic, uint[] left, uint[] right)
    {
        int leftRegisters = left.Length / 32;
        int rightRegisters = right.Length / 32;
        var text = new StringBuilder();
        text.Append(".version 7.1\n.target sm_80\n.address_size 64\n.visible .entry product(\n.param .u64 a,\n.param .u64 b,\n.param .u64 d\n)\n.reqntid 32, 1, 1\n{\n");
        text.Append(".reg .b32 %r<20>;\n.reg .b64 %rd<6>;\nmov.u32 %r19, %tid.x;\nmul.wide.u32 %rd0, %r19, 4;\n");
        text.Append("ld.param.u64 %rd1, [a];\nadd.s64 %rd1, %rd1, %rd0;\nld.param.u64 %rd2, [b];\nadd.s64 %rd2, %rd2, %rd0;\nld.param.u64 %rd3, [d];\nadd.s64 %rd3, %rd3, %rd0;\n");
        for (int i = 0; i < leftRegisters; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"ld.global.b32 %r{i}, [%rd1+{i * 128}];\n");
        }

        for (int i = 0; i < rightRegisters; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"ld.global.b32 %r{4 + i}, [%rd2+{i * 128}];\n");
        }

        for (int i = 0; i < 4; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"mov.b32 %r{8 + i}, {1000 + i};\n");
        }

        string Group(int first, int count) => "{" + string.Join(", ", Enumerable.Range(first, count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"%r{i}"))) + "}";
        text.Append(CultureInfo.InvariantCulture, $"{mnemonic} {Group(12, 4)}, {Group(0, leftRegisters)}, {Group(4, rightRegisters)}, {Group(8, 4)};\n");
        for (int i = 0; i < 4; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"st.global.b32 [%rd3+{i * 128}], %r{12 + i};\n");
        }

        text.Append("ret;\n}\n");
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer a = memory.Input<uint>("a", left);
        PtxGlobalBuffer b = memory.Input<uint>("b", right);
        PtxGlobalBuffer d = memory.Output("d", 4 * 32 * 4);
        PtxInterpreter.Run(PtxParser.Parse(text.ToString()), (1, 1, 1), [(a.Address, 8), (b.Address, 8), (d.Address, 8)], 0, memory);
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(d.Data).ToArray();
    }
}
