// Table mode over so many keys that sums leave 32 bits, under masks: runs of allowed blocks of every length cross the chunks of the integer product and the points at which its sums are emptied.
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

public sealed class LongKeyTests
{
    private const int HeadDimension = 8;
    private const int ValueDimension = 3;

    // Blocks in a run, then one that is masked: 1, 32 (one chunk), 33, 700, 1023 (one short of 65,536 keys) and 1025 (one more).
    private static readonly int[] RunBlocks = [1, 32, 33, 700, 1023, 1025];

    public static TheoryData<string> Kernels() => ContractCases.OneRowPerKernel(ContractCases.Kernels);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void BlockSparseRows_GiveTheReferencesBits(string kernel) => Check(kernel, queries: 3, keys: 200_000, static keys => AttentionMask.BlockSparse(Blocks(keys)));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void SparseBits_GiveTheReferencesBits(string kernel) => Check(kernel, queries: 2, keys: 250_001, static keys => AttentionMask.Boolean(Words(2, keys)));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void BlocksBitsCausalAndLengths_GiveTheReferencesBits(string kernel) => Check(kernel, queries: 5, keys: 260_003, static keys =>
        AttentionMask.BlockSparse(Blocks(keys)).And(AttentionMask.Boolean(Words(5, keys))).And(AttentionMask.Causal).And(AttentionMask.Lengths(default, new[] { keys - 2 })));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void CausalRows_GiveTheReferencesBits(string kernel) => Check(kernel, queries: 7, keys: 140_003, static _ => AttentionMask.Causal);

    // Every other key equals the queries and has values of +-1, the others are their opposite in both: numerators are 255 and 0, levels +-127, and 66,313 seen keys of one sign leave 32 bits.
    private static void Check(string kernel, int queries, int keys, Func<int, AttentionMask> mask)
    {
        ContractCases.RequireUsable(kernel);
        AttentionCase c = new() { Queries = queries, Keys = keys, HeadDimension = HeadDimension, ValueDimension = ValueDimension, LogitScale = 1e4f };
        Operands operands = c.MakeOperands();
        Array.Fill(operands.Query, 1f);
        for (int key = 0; key < keys; key++)
        {
            float sign = key % 2 == 0 ? 1f : -1f;
            operands.Key.AsSpan(key * HeadDimension, HeadDimension).Fill(sign);
            operands.Value[key * ValueDimension] = sign;
            operands.Value[(key * ValueDimension) + 1] = -sign;
        }

        // (TrainingParity has no levels above 0 for that many equal keys.)
        AttentionResult Run(string name) => CaseRunner.Run(c, operands, c.BinaryOptions(name, threads: 1) with { Mask = mask(keys) }, isBinary: true);
        AttentionResult expected = Run(ContractCases.Reference);
        Assert.All(expected.LogSumExp, value => Assert.True(value > Math.Log(66_313), "so few keys fit into 32 bits"));
        Bits.Equal(expected, Run(kernel));
    }

    private static bool[] Blocks(int keys)
    {
        var blocks = new bool[(keys + 63) / 64];
        int run = 0;
        for (int block = 0; block < blocks.Length; run++)
        {
            int end = Math.Min(block + RunBlocks[run % RunBlocks.Length], blocks.Length);
            blocks.AsSpan(block, end - block).Fill(true);
            block = end + 1;
        }

        return blocks;
    }

    // Dense with holes, then whole words, then nothing for a while, in every row a little differently.
    private static ulong[] Words(int queries, int keys)
    {
        int wordsPerRow = (keys + 63) / 64;
        var random = new Random(5);
        var words = new ulong[queries * wordsPerRow];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = (i % wordsPerRow / 40 % 3) switch
            {
                0 => ulong.MaxValue,
                1 => ulong.MaxValue ^ (1UL << random.Next(64)),
                _ => i % 97 == 0 ? 1UL << random.Next(64) : i % 2 == 0 ? ulong.MaxValue : 0,
            };
        }

        return words;
    }
}
