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
    public void Multiplies_SignedBytes()
    {
        var random = new Random(4);
        uint[,] left = Random(random, 16, 8);
        uint[,] right = Random(random, 8, 8);
        int[] sums = Run(
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32",
            Enumerable.Range(0, 4 * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => left[(i.Lane / 4) + (8 * (i.Register % 2)), (i.Lane % 4) + (4 * (i.Register / 2))]).ToArray(),
            Enumerable.Range(0, 2 * 32).Select(i => (Lane: i % 32, Register: i / 32)).Select(i => right[i.Lane / 4, (i.Lane % 4) + (4 * i.Register)]).ToArray());
        Check(sums, (row, column) => Enumerable.Range(0, 32).Sum(k => (sbyte)(left[row, k / 4] >> (8 * (k % 4))) * (sbyte)(right[column, k / 4] >> (8 * (k % 4)))));
    }

    [Theory]
    [InlineData("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc")]
    [InlineData("mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32")]
    public void Multiplies_EightRows_OnSm75(string mnemonic)
    {
        // A and B: the one register of lane 4 g + t holds word t of row or column g; c_i lies at row g, column 2 t + i.
        var random = new Random(5);
        uint[,] left = Random(random, 8, 4);
        uint[,] right = Random(random, 8, 4);
        int Product(uint a, uint b) => mnemonic.Contains("xor", StringComparison.Ordinal) ? BitOperations.PopCount(a ^ b) : Enumerable.Range(0, 4).Sum(k => (byte)(a >> (8 * k)) * (sbyte)(b >> (8 * k)));
        int[] sums = Run(mnemonic, Enumerable.Range(0, 32).Select(lane => left[lane / 4, lane % 4]).ToArray(), Enumerable.Range(0, 32).Select(lane => right[lane / 4, lane % 4]).ToArray(), sumRegisters: 2, target: 75);
        for (int i = 0; i < 64; i++)
        {
            int lane = i % 32;
            int column = (2 * (lane % 4)) + (i / 32);
            Assert.Equal(Enumerable.Range(0, 4).Sum(word => Product(left[lane / 4, word], right[column, word])) + 1000 + (i / 32), sums[i]);
        }
    }

    [Theory]
    [InlineData("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32")]
    [InlineData("mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc")]
    public void Refuses_LaterInstructions_OnSm75(string mnemonic) =>
        Assert.Contains("needs sm_80", Assert.Throws<PtxFaultException>(() => Run(mnemonic, new uint[4 * 32], new uint[2 * 32], target: 75)).Message, StringComparison.Ordinal);

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
    private static int[] Run(string mnemonic, uint[] left, uint[] right, int sumRegisters = 4, int target = 80)
    {
        int leftRegisters = left.Length / 32;
        int rightRegisters = right.Length / 32;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $".version 7.1\n.target sm_{target}\n.address_size 64\n.visible .entry product(\n.param .u64 a,\n.param .u64 b,\n.param .u64 d\n)\n.reqntid 32, 1, 1\n{{\n");
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

        for (int i = 0; i < sumRegisters; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"mov.b32 %r{8 + i}, {1000 + i};\n");
        }

        string Group(int first, int count) => "{" + string.Join(", ", Enumerable.Range(first, count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"%r{i}"))) + "}";
        text.Append(CultureInfo.InvariantCulture, $"{mnemonic} {Group(12, sumRegisters)}, {Group(0, leftRegisters)}, {Group(4, rightRegisters)}, {Group(8, sumRegisters)};\n");
        for (int i = 0; i < sumRegisters; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"st.global.b32 [%rd3+{i * 128}], %r{12 + i};\n");
        }

        text.Append("ret;\n}\n");
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer a = memory.Input<uint>("a", left);
        PtxGlobalBuffer b = memory.Input<uint>("b", right);
        PtxGlobalBuffer d = memory.Output("d", sumRegisters * 32 * 4);
        PtxInterpreter.Run(PtxParser.Parse(text.ToString()), (1, 1, 1), [(a.Address, 8), (b.Address, 8), (d.Address, 8)], 0, memory);
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(d.Data).ToArray();
    }
}
