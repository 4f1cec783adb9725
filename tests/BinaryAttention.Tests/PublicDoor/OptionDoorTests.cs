// Options that are out of range, do not belong to the call, or are not built yet are refused by name: never a silent other result.
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class OptionDoorTests
{
    [Fact]
    public void Rejects_OptionsOutOfRange()
    {
        new DoorCall { Options = new() { LogitScale = float.NaN } }.Refused<ArgumentException>("LogitScale is NaN", "finite");
        new DoorCall { Options = new() { LogitScale = float.NegativeInfinity } }.Refused<ArgumentException>("LogitScale is -Infinity", "finite");
        new DoorCall { Options = new() { MaxDegreeOfParallelism = 0 } }.Refused<ArgumentException>("MaxDegreeOfParallelism is 0", "at least 1");
        new DoorCall { Options = new() { Layout = (TensorLayout)7 } }.Refused<ArgumentException>("Layout is 7", "HeadTokenDimension", "TokenHeadDimension");
        new DoorCall { Options = new() { Quantization = (ValueQuantization)9 } }.Refused<ArgumentException>("Quantization is 9", "Tiled, TrainingParity or Full");
        new DoorCall { Options = new() { SignOfZero = (SignOfZero)5 } }.Refused<ArgumentException>("SignOfZero is 5", "Positive or Negative");
        new DoorCall { Options = new() { QueryPlanes = 3 } }.Refused<ArgumentException>("QueryPlanes is 3", "1 or 2");
        new DoorCall { Options = new() { KeyPlanes = 0 } }.Refused<ArgumentException>("KeyPlanes is 0", "1 or 2");
        new DoorCall { Options = new() { Weighting = null! } }.Refused<ArgumentException>("Weighting is null", "SignWeighting");
    }

    [Fact]
    public void Rejects_MasksMadeFromEmptyBuffers()
    {
        Assert.Contains("allowedPairs is empty", Assert.Throws<ArgumentException>(() => AttentionMask.Boolean(default)).Message, StringComparison.Ordinal);
        Assert.Contains("allowedBlocks is empty", Assert.Throws<ArgumentException>(() => AttentionMask.BlockSparse(default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rejects_OneBitOptions_InTheExactCall()
    {
        var call = new DoorCall();
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Attention.ScaledDotProduct(call.Query, call.Key, call.Value, call.Destination, call.Shape, call.Options));
        Assert.Contains("BinaryAttentionOptions", exception.Message, StringComparison.Ordinal);
        Assert.Contains("BinaryScaledDotProduct", exception.Message, StringComparison.Ordinal);
        Assert.Equal("options", exception.ParamName);
    }

    [Fact]
    public void Rejects_WhatIsNotBuiltYet_ByName()
    {
        new DoorCall { Options = new() { Mask = AttentionMask.Causal } }.Refused<NotSupportedException>("Mask.Causal", "not supported yet");
        new DoorCall { Options = new() { Mask = AttentionMask.Lengths(new int[] { 1, 2 }, default) } }.Refused<NotSupportedException>("Mask.QueryLengths");
        new DoorCall { Options = new() { Mask = AttentionMask.Lengths(default, new int[] { 1, 2 }) } }.Refused<NotSupportedException>("Mask.KeyLengths");
        new DoorCall { Options = new() { Mask = AttentionMask.Boolean(new ulong[3]) } }.Refused<NotSupportedException>("Mask.AllowedPairs");
        new DoorCall { Options = new() { Mask = AttentionMask.BlockSparse(new bool[1]) } }.Refused<NotSupportedException>("Mask.AllowedBlocks");
        new DoorCall { Options = new() { Weighting = SignWeighting.Learned(new float[24], new float[20]) } }.Refused<NotSupportedException>("Weighting Learned");
        new DoorCall { Options = new() { QueryPlanes = 2 } }.Refused<NotSupportedException>("QueryPlanes = 2");
        new DoorCall { Options = new() { KeyPlanes = 2 } }.Refused<NotSupportedException>("KeyPlanes = 2");
        new DoorCall { Options = new() { SignOfZero = SignOfZero.Negative } }.Refused<NotSupportedException>("SignOfZero.Negative");
        new DoorCall { Options = new() { Calibration = new AttentionCalibration() } }.Refused<NotSupportedException>("Calibration");
        new DoorCall { Options = new() { Bias = AttentionBias.LowRank(new float[6], new float[10], 1, 1, 3, 5, 2) } }.Refused<NotSupportedException>("LowRank");
    }

    [Fact]
    public void Rejects_MasksInTheExactCall()
    {
        var call = new DoorCall();
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => Attention.ScaledDotProduct(call.Query, call.Key, call.Value, call.Destination, call.Shape, new AttentionOptions { Mask = AttentionMask.Causal }));
        Assert.Contains("Mask.Causal", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mask_And_RefusesTheSamePartTwice()
    {
        AttentionMask both = AttentionMask.Causal.And(AttentionMask.Boolean(new ulong[1]));
        Assert.True(both.IsCausal);
        Assert.Equal(1, both.AllowedPairs.Length);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => both.And(AttentionMask.Boolean(new ulong[1])));
        Assert.Contains("AllowedPairs", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => both.And(null!));
    }

    [Fact]
    public void SignWeighting_RefusesModesThatItCannotHold()
    {
        ArgumentException rows = Assert.Throws<ArgumentException>(() => new SignWeighting(SignWeightingMode.Learned, SignWeightingMode.None));
        Assert.Equal("rows", rows.ParamName);
        Assert.Contains("SignWeighting.Learned", rows.Message, StringComparison.Ordinal);
        ArgumentException columns = Assert.Throws<ArgumentException>(() => new SignWeighting(SignWeightingMode.None, SignWeightingMode.Learned));
        Assert.Equal("columns", columns.ParamName);
        ArgumentOutOfRangeException undefined = Assert.Throws<ArgumentOutOfRangeException>(() => new SignWeighting((SignWeightingMode)4, SignWeightingMode.None));
        Assert.Equal("rows", undefined.ParamName);
        Assert.Contains("MeanMagnitudePerHead, MeanMagnitudePerToken, Learned, None", undefined.Message, StringComparison.Ordinal);
    }
}
