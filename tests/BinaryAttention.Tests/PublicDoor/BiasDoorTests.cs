// The bias: its own checks when it is made, and the fit to a call.
using System.Numerics.Tensors;
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class BiasDoorTests
{
    [Fact]
    public void Rejects_ValuesThatAreNotFinite_ButTakesMinusInfinity()
    {
        Refused("values holds NaN at index 2", "values", () => AttentionBias.PerKey(new float[] { 0, 1, float.NaN }, 1, 1, 3));
        Refused("at index 0", "values", () => AttentionBias.Dense(new float[] { float.PositiveInfinity }, 1, 1, 1, 1));
        Refused("NaN at index 11", "table", () => AttentionBias.RelativePosition((float[])[.. new float[11], float.NaN], 1, 2, 2));
        Refused("queryFactors holds NaN at index 1", "queryFactors", () => AttentionBias.LowRank(new float[] { 0, float.NaN }, new float[1], 1, 1, 2, 1, 1));
        Refused("keyFactors holds NaN at index 1", "keyFactors", () => AttentionBias.LowRank(new float[1], new float[] { 0, float.NaN }, 1, 1, 1, 2, 1));
        Assert.Equal(AttentionBiasKind.PerKey, AttentionBias.PerKey(new float[] { float.NegativeInfinity }, 1, 1, 1).Kind);
    }

    [Fact]
    public void Rejects_LengthsThatDoNotFit()
    {
        Refused("values has 5 values; batchSize x headCount x keyLength = 1 x 2 x 3 needs 6", "values", () => AttentionBias.PerKey(new float[5], 1, 2, 3));
        Refused("batchSize x headCount x queryLength x keyLength = 1 x 2 x 3 x 4 needs 24", "values", () => AttentionBias.Dense(new float[25], 1, 2, 3, 4));
        Refused("2 x 3 grid with a class token and 2 heads needs 18 x 2 = 36", "table", () => AttentionBias.RelativePosition(new float[30], 2, 2, 3));
        Refused("2 x 3 grid without a class token and 1 heads needs 15 x 1 = 15", "table", () => AttentionBias.RelativePosition(new float[18], 1, 2, 3, hasClassToken: false));
        Refused("queryFactors has 5 values", "queryFactors", () => AttentionBias.LowRank(new float[5], new float[4], 1, 1, 3, 2, 2));
        Refused("keyFactors has 5 values", "keyFactors", () => AttentionBias.LowRank(new float[6], new float[5], 1, 1, 3, 2, 2));
        Refused("values has 0 values", "values", () => AttentionBias.Dense(default, 1 << 20, 1 << 20, 1 << 24, 1)); // 2^64 values
        Refused("needs 4294967296", "values", () => AttentionBias.Dense(new float[1], int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue));
    }

    [Fact]
    public void Rejects_SizesBelowOne()
    {
        Refused("batchSize is 0", "batchSize", () => AttentionBias.PerKey(default, 0, 1, 1));
        Refused("headCount is -1", "headCount", () => AttentionBias.Dense(new float[1], 1, -1, 1, 1));
        Refused("gridWidth is 0", "gridWidth", () => AttentionBias.RelativePosition(new float[1], 1, 1, 0));
        Refused("rank is 0", "rank", () => AttentionBias.LowRank(new float[1], new float[1], 1, 1, 1, 1, 0));
    }

    [Fact]
    public void Rejects_TensorsOfAnotherRank()
    {
        Refused("values has rank 2; a tensor of shape [batch|1, heads|1, keyLength]", "values", () => AttentionBias.PerKey(Tensor.Create(new float[4], [2, 2])));
        Refused("values has rank 3; a tensor of shape [batch|1, heads|1, queryLength, keyLength]", "values", () => AttentionBias.Dense(Tensor.Create(new float[4], [1, 2, 2])));
        Assert.Throws<ArgumentNullException>(() => AttentionBias.PerKey(null!));
    }

    [Fact]
    public void Tensors_GiveTheSameBiasAsMemory()
    {
        float[] values = [1, 2, 3, 4, 5, 6, 7, 8];
        AttentionBias fromView = AttentionBias.Dense(Tensor.PermuteDimensions(Tensor.Create(values, [1, 1, 4, 2]), [0, 1, 3, 2]));
        Assert.Equal([1, 3, 5, 7, 2, 4, 6, 8], fromView.Values.ToArray());
        Assert.Equal((2, 4), (fromView.QueryLength, fromView.KeyLength));
    }

    // The call has batch size 2, 4 heads, 3 queries and 5 keys.
    [Fact]
    public void Rejects_ABiasThatDoesNotFitTheCall()
    {
        Unfit(AttentionBias.PerKey(new float[15], 3, 1, 5), "Bias has batch size 3; the call has 2", "1 to be shared");
        Unfit(AttentionBias.PerKey(new float[10], 1, 2, 5), "Bias has head count 2; the call has 4", "1 to be shared");
        Unfit(AttentionBias.PerKey(new float[4], 1, 1, 4), "Bias has keyLength 4; the call has 5");
        Unfit(AttentionBias.Dense(new float[20], 1, 1, 4, 5), "Bias has queryLength 4; the call has 3");
        Unfit(AttentionBias.RelativePosition(new float[12], 1, 2, 2), "Bias has queryLength 5; the call has 3"); // 5 keys fit, 3 queries do not
        new DoorCall { Options = new() { Bias = AttentionBias.PerKey(new float[40], 2, 4, 5) } }.Binary();
        new DoorCall { Options = new() { Bias = AttentionBias.Dense(new float[15], 1, 1, 3, 5) } }.Binary();
    }

    private static void Unfit(AttentionBias bias, params ReadOnlySpan<string> parts) =>
        new DoorCall { Options = new() { Bias = bias } }.Refused<ArgumentException>(parts);

    private static void Refused(string part, string parameter, Action make)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(make);
        Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        Assert.Equal(parameter, exception.ParamName);
    }
}
