// Distances counted by bit planes against counters.
using BinaryAttention.Quantization;
using Xunit;

namespace BinaryAttention.Tests.Quantization;

public sealed unsafe class SlicedHistogramTests
{
    private const int BlockBytes = 192;
    private const int Line = 64;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 8)]
    [InlineData(64, 9)]
    [InlineData(64, 600)]
    [InlineData(128, 33)]
    [InlineData(254, 20)]
    public void Counts_AreExact(int dimension, int blocks)
    {
        Assert.SkipUnless(SlicedHistogram.IsSupported, "needs AVX-512");
        var random = new Random(dimension);
        foreach (int spread in (int[])[1, 10, 255])
        {
            var distances = new byte[blocks * BlockBytes];
            var expected = new int[DistanceHistogram.Entries];
            int lowest = random.Next(dimension + 1);
            for (int block = 0; block < blocks; block++)
            {
                for (int key = 0; key < BlockBytes; key++)
                {
                    int distance = Math.Min(lowest + random.Next(spread), dimension);
                    distances[(block * BlockBytes) + key] = (byte)(random.Next(9) == 0 ? byte.MaxValue : distance);
                    if (key < Line && distances[(block * BlockBytes) + key] <= dimension)
                    {
                        expected[distances[(block * BlockBytes) + key]]++;
                    }
                }
            }

            var counts = new int[DistanceHistogram.Entries];
            fixed (byte* bytes = distances)
            fixed (int* counters = counts)
            {
                SlicedHistogram.Count(bytes, BlockBytes, blocks, dimension, counters);
            }

            Assert.Equal(expected.AsSpan(0, dimension + 1).ToArray(), counts.AsSpan(0, dimension + 1).ToArray());
        }
    }
}
