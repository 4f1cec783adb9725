// What packed keys and values take: per key and plane the codes of headDimension bits (6 or 4 bits a byte) and a weight of 4 bytes, per value channel 1 byte, and per channel of a head a scale and a
// mean. Keys come in blocks of 64, channels in panels.
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using BinaryAttention.Threading;
using Xunit;

namespace BinaryAttention.Tests.Plans;

public sealed class PackedMemoryTests
{
    private const int PanelChannels = 16;

    [Theory]
    [InlineData(4096, 64, 64, 1, 6)]
    [InlineData(4096, 64, 64, 1, 4)]
    [InlineData(1000, 128, 72, 2, 6)]
    [InlineData(77, 300, 33, 1, 6)]
    public void PackedKeysAndValues_TakeWhatTheFormulaSays(int keyLength, int headDimension, int valueDimension, int planes, int bitsPerCode)
    {
        var shape = new AttentionShape(2, 6, 1, keyLength, headDimension, valueDimension) { KeyHeadCount = 3 };
        AttentionSpecification specification = SpecificationBuilder.Build(shape, new BinaryAttentionOptions { KeyPlanes = planes, MaxDegreeOfParallelism = 1 }, isBinary: true);
        using TileLoop loop = TileLoop.Create(1, keepsThreads: false);
        var layout = new ValueLayout(valueDimension, keyLength, PanelChannels, GroupKeys: 4);
        using var packed = new PackedKeyValue(specification, loop, layout, bitsPerCode, floatPanelColumns: 32);

        const int Heads = 2 * 3;
        long paddedKeys = (keyLength + 63) / 64 * 64;
        long paddedChannels = (valueDimension + PanelChannels - 1) / PanelChannels * PanelChannels;
        long keyBytes = headDimension > 254 ? keyLength * ((headDimension + 63) / 64) * 8L : paddedKeys * ((headDimension + bitsPerCode - 1) / bitsPerCode);
        long expected = Heads * ((planes * (keyBytes + (keyLength * 4L))) + (paddedKeys * paddedChannels) + (8 * paddedChannels));
        Assert.Equal(expected, packed.ByteCount);

        // For long sequences: a fifth or less of float32 keys and values.
        double floats = Heads * (double)keyLength * (headDimension + valueDimension) * 4;
        Assert.True(keyLength < 1000 || packed.ByteCount < 0.2 * floats, $"{packed.ByteCount / floats:P1} of float32");
    }
}
