using BinaryAttention.Formats.Checkpoints;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class ElementTypeTests
{
    [Theory]
    [InlineData(TensorElementType.Boolean, "BOOL", 1)]
    [InlineData(TensorElementType.Unsigned8, "U8", 1)]
    [InlineData(TensorElementType.Signed8, "I8", 1)]
    [InlineData(TensorElementType.Float8E4M3, "F8_E4M3", 1)]
    [InlineData(TensorElementType.Float8E5M2, "F8_E5M2", 1)]
    [InlineData(TensorElementType.Signed16, "I16", 2)]
    [InlineData(TensorElementType.Unsigned16, "U16", 2)]
    [InlineData(TensorElementType.Float16, "F16", 2)]
    [InlineData(TensorElementType.BFloat16, "BF16", 2)]
    [InlineData(TensorElementType.Signed32, "I32", 4)]
    [InlineData(TensorElementType.Unsigned32, "U32", 4)]
    [InlineData(TensorElementType.Float32, "F32", 4)]
    [InlineData(TensorElementType.Signed64, "I64", 8)]
    [InlineData(TensorElementType.Unsigned64, "U64", 8)]
    [InlineData(TensorElementType.Float64, "F64", 8)]
    public void Names_And_Sizes_AreThoseOfTheFormat(TensorElementType type, string name, int size)
    {
        Assert.Equal(name, ElementTypeNames.NameOf(type));
        Assert.Equal(size, ElementTypeNames.SizeOf(type));
        Assert.True(ElementTypeNames.TryParse(name, out TensorElementType parsed));
        Assert.Equal(type, parsed);
        using var file = SafeTensorsFile.Parse(CheckpointBytes.SafeTensors("{" + CheckpointBytes.Entry("x", name, "2", 0, 2 * size) + "}", 2 * size));
        Assert.Equal(type, file.Tensors[0].ElementType);
    }

    [Fact]
    public void EveryType_HasANameAndASize()
    {
        foreach (TensorElementType type in Enum.GetValues<TensorElementType>())
        {
            Assert.True(ElementTypeNames.IsKnown(type));
            Assert.InRange(ElementTypeNames.SizeOf(type), 1, 8);
        }

        Assert.Equal(15, Enum.GetValues<TensorElementType>().Length);
        Assert.False(ElementTypeNames.IsKnown((TensorElementType)15));
        Assert.False(ElementTypeNames.IsKnown((TensorElementType)(-1)));
        Assert.False(ElementTypeNames.TryParse("f32", out _));
    }

    [Fact]
    public void Entries_AreEqual_WhenShapesAreEqualByValue()
    {
        var entry = new TensorEntry("x", TensorElementType.Float32, [2, 3], 8, 24);
        TensorEntry same = entry with { Shape = new List<long> { 2, 3 } };
        Assert.Equal(entry, same);
        Assert.Equal(entry.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(entry, entry with { Shape = [3, 2] });
        Assert.Equal(6, entry.ElementCount);
        Assert.Throws<InvalidOperationException>(() => (entry with { Shape = [-1] }).ElementCount);
    }

    [Theory]
    [InlineData(new long[0], 4, 1, 4)]
    [InlineData(new long[] { 0, 7 }, 4, 0, 0)]
    [InlineData(new long[] { 2, 3 }, 8, 6, 48)]
    [InlineData(new long[] { long.MaxValue }, 1, long.MaxValue, long.MaxValue)]
    public void ShapeProduct_Multiplies(long[] shape, int elementBytes, long elements, long bytes)
    {
        Assert.True(ShapeProduct.TryMultiply(shape, elementBytes, out long actualElements, out long actualBytes));
        Assert.Equal((elements, bytes), (actualElements, actualBytes));
    }

    [Theory]
    [InlineData(new long[] { -1 }, 1)]
    [InlineData(new long[] { 0, -1 }, 1)]
    [InlineData(new long[] { long.MaxValue }, 2)]
    [InlineData(new long[] { 1L << 32, 1L << 32 }, 1)]
    [InlineData(new long[] { 0, 1L << 32, 1L << 32 }, 1)]
    public void ShapeProduct_Refuses_NegativeAndOverflowing(long[] shape, int elementBytes) =>
        Assert.False(ShapeProduct.TryMultiply(shape, elementBytes, out _, out _));
}
