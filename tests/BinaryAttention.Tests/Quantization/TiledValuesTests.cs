// Values quantised 32 channels at a time against the plain loops, bit for bit: ordinary data, exact ties, neighbours of ties, huge, tiny and constant channels, NaN and infinities.
using BinaryAttention.Quantization;
using Xunit;

namespace BinaryAttention.Tests.Quantization;

public sealed unsafe class TiledValuesTests
{
    [Theory]
    [InlineData("gaussian")]
    [InlineData("ties")]
    [InlineData("near ties")]
    [InlineData("extremes")]
    public void Gives_TheBitsOfThePlainLoops(string kind)
    {
        foreach (int channels in (int[])[1, 16, 20, 32, 40, 63, 64])
        {
            foreach (int tokens in (int[])[1, 3, 4, 5, 64, 197])
            {
                Check(kind, channels, tokens);
            }
        }
    }

    private static void Check(string kind, int channels, int tokens)
    {
        float[] values = Values(kind, channels, tokens);
        int panel = (channels + 15) / 16 * 16;

        // Groups of two keys take the plain loops.
        var fast = new ValueLayout(channels, tokens, panel, GroupKeys: 4);
        var plain = new ValueLayout(channels, tokens, panel, GroupKeys: 2);
        (sbyte[] levels, float[] scales, float[] means) = Quantize(values, tokens, fast);
        (sbyte[] plainLevels, float[] plainScales, float[] plainMeans) = Quantize(values, tokens, plain);
        for (int channel = 0; channel < channels; channel++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(plainScales[channel]), BitConverter.SingleToInt32Bits(scales[channel]));
            Assert.True(plainMeans[channel].Equals(means[channel]), $"{kind}, {channels} channels, {tokens} tokens: mean {means[channel]:R}, expected {plainMeans[channel]:R}");
            for (int token = 0; token < tokens; token++)
            {
                Assert.True(plainLevels[plain.Offset(token, channel)] == levels[fast.Offset(token, channel)], $"{kind}, {channels} channels, {tokens} tokens: level of {values[(token * channels) + channel]:R}");
            }
        }
    }

    private static float[] Values(string kind, int channels, int tokens)
    {
        var random = new Random(channels + (1000 * tokens));
        var values = new float[tokens * channels];
        float[] special = [0f, -0f, 1e38f, -3e38f, 1e-38f, float.Epsilon, float.NaN, float.PositiveInfinity, 1e-31f];
        for (int i = 0; i < values.Length; i++)
        {
            int channel = i % channels;
            int token = i / channels;
            float half = (((token / 2 * 37) % 255) * 0.5f) + 0.5f;
            float tie = token < 2 ? 127f : half;
            values[i] = kind switch
            {
                "gaussian" => (float)(random.NextDouble() + random.NextDouble() - 1),
                "ties" => token % 2 == 0 ? tie : -tie, // the mean is 0 and the largest 127 where tokens come in pairs
                "near ties" => (token % 2 == 0 ? 1 : -1) * MathF.BitIncrement(tie) * (1 + (random.Next(-3, 4) * 6e-8f)),
                _ => channel % 3 == 0 ? special[channel % special.Length] : special[random.Next(6)] * (channel % 2),
            };
        }

        return values;
    }

    private static (sbyte[] Levels, float[] Scales, float[] Means) Quantize(float[] values, int tokens, ValueLayout layout)
    {
        var levels = new sbyte[layout.Bytes];
        var scales = new float[layout.PaddedChannels];
        var means = new float[layout.PaddedChannels];
        fixed (float* source = values, scale = scales, mean = means)
        fixed (sbyte* level = levels)
        {
            ValueQuantizer.Quantize(source, layout.ValueDimension, tokens, layout, ValueQuantization.Tiled, level, scale, mean);
        }

        return (levels, scales, means);
    }
}
