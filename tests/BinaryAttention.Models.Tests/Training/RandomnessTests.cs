using BinaryAttention.Models.Training;
using Xunit;

namespace BinaryAttention.Models.Tests.Training;

public sealed class RandomnessTests
{
    [Fact]
    public void Streams_DependOnSeedPurposeAndPlaceAlone()
    {
        var bits = new HashSet<ulong>();
        foreach (long seed in new[] { 0L, 1, -1 })
        {
            foreach (string purpose in new[] { "shuffle", "shuffl", "drop path" })
            {
                Assert.True(bits.Add(new Randomness(seed).Stream(purpose).NextBits()));
                foreach (long place in new[] { 0L, 1, -1 })
                {
                    Assert.True(bits.Add(new Randomness(seed).Stream(purpose, place).NextBits()));
                    Assert.True(bits.Add(new Randomness(seed).Stream(purpose, place, 0).NextBits()));
                    Assert.Equal(new Randomness(seed).Stream(purpose, place), new Randomness(seed).Stream(purpose, place));
                }
            }
        }

        Assert.Throws<ArgumentException>(() => new Randomness(1).Stream(string.Empty));
    }

    [Fact]
    public void Numbers_HaveTheirDistributions()
    {
        RandomStream random = new Randomness(7).Stream("test");
        const int count = 20000;
        double uniform = 0, normal = 0, square = 0, beta = 0;
        var counts = new int[5];
        for (int i = 0; i < count; i++)
        {
            uniform += random.NextDouble();
            double z = random.NextNormal();
            (normal, square, beta) = (normal + z, square + (z * z), beta + random.NextBeta(0.8, 0.8));
            counts[random.NextInt(5)]++;
        }

        Assert.Equal(0.5, uniform / count, 0.01);
        Assert.Equal(0, normal / count, 0.03);
        Assert.Equal(1, square / count, 0.04);
        Assert.Equal(0.5, beta / count, 0.01);
        Assert.All(counts, static one => Assert.InRange(one, 3700, 4300));
        Assert.Equal(Enumerable.Range(0, 100), random.Permutation(100).Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
    }
}
