// Small made-up pictures for the tests of training.
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Data;

namespace BinaryAttention.Models.Tests.Training.Data;

internal static class Pictures
{
    public static ByteImage Grey(int width, params byte[] pixels) => new(width, pixels.Length / width, 1, pixels);

    public static ByteImage Random(int seed, int width, int height, int channels)
    {
        RandomStream random = new Randomness(seed).Stream("test picture");
        var pixels = new byte[width * height * channels];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)random.NextInt(256);
        }

        return new ByteImage(width, height, channels, pixels);
    }

    public static MemoryImageSet Set(int count, int size, int channels, int classes = 10) =>
        new("made up", [.. Enumerable.Range(0, count).Select(i => Random(i, size, size, channels))], [.. Enumerable.Range(0, count).Select(i => i % classes)]);
}
