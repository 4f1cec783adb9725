using BinaryAttention.Models.Calibration;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class DenseProductTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 31)]
    [InlineData(6, 8, 32)]
    [InlineData(7, 65, 33)]
    [InlineData(197, 64, 197)]
    public void Matches_PlainSums(int rows, int depth, int columns)
    {
        int pitch = DenseProduct.Pitch(columns);
        float[] a = RandomValues.Uniform(1, rows * depth), b = RandomValues.Uniform(2, depth * pitch), start = RandomValues.Uniform(3, rows * pitch);
        var transposed = new float[depth * rows];
        for (int i = 0; i < a.Length; i++)
        {
            transposed[(i % depth * rows) + (i / depth)] = a[i];
        }

        float[] plain = new float[rows * pitch], added = [.. start], byTranspose = new float[rows * pitch];
        DenseProduct.Multiply(a, depth, 1, b, plain, rows, depth, pitch);
        DenseProduct.Multiply(a, depth, 1, b, added, rows, depth, pitch, add: true);
        DenseProduct.Multiply(transposed, 1, rows, b, byTranspose, rows, depth, pitch);
        Assert.Equal(plain, byTranspose);
        for (int i = 0; i < plain.Length; i++)
        {
            double sum = Enumerable.Range(0, depth).Sum(k => (double)a[(i / pitch * depth) + k] * b[(k * pitch) + (i % pitch)]);
            Assert.Equal(sum, plain[i], 1e-5 * depth);
            Assert.Equal(sum + start[i], added[i], 1e-5 * depth);
        }
    }

    [Fact]
    public void Transpose_ClearsThePadding()
    {
        float[] source = RandomValues.Uniform(4, 3 * 5);
        var target = new float[4 * 32];
        Array.Fill(target, float.NaN);
        DenseProduct.Transpose(source, 5, target, 3, 4, 32);
        for (int column = 0; column < 4; column++)
        {
            Assert.Equal([source[column], source[5 + column], source[10 + column]], target.AsSpan(column * 32, 3).ToArray());
            Assert.All(target.AsSpan((column * 32) + 3, 29).ToArray(), static value => Assert.Equal(0, value));
        }
    }

    [Fact]
    public void Rejects_BuffersThatAreTooShort() => Assert.Throws<ArgumentException>(static () => DenseProduct.Multiply(new float[5], 3, 1, new float[3 * 32], new float[2 * 32], 2, 3, 32));
}
