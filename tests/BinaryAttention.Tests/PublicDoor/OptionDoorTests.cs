// Options that are out of range, do not fit or do not belong to the call are refused by name: never a silent other result.
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
        Assert.Contains("queryLengths and keyLengths are both empty", Assert.Throws<ArgumentException>(() => AttentionMask.Lengths(default, default)).Message, StringComparison.Ordinal);
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

    // The call has batch size 2, 4 query heads on 2 key heads, 3 queries and 5 keys, head dimension 8.
    [Fact]
    public void Rejects_MasksThatDoNotFit()
    {
        new DoorCall { Options = new() { Mask = AttentionMask.Lengths(new int[] { 1, 2, 3 }, default) } }.Refused<ArgumentException>("Mask.QueryLengths has 3 entries", "batch size 2");
        new DoorCall { Options = new() { Mask = AttentionMask.Lengths(default, new int[] { 1, 6 }) } }.Refused<ArgumentException>("Mask.KeyLengths is 6 for batch item 1", "between 0 and the 5 tokens");
        new DoorCall { Options = new() { Mask = AttentionMask.Lengths(new int[] { -1, 2 }, default) } }.Refused<ArgumentException>("Mask.QueryLengths is -1");
        new DoorCall { Options = new() { Mask = AttentionMask.Boolean(new ulong[4]) } }.Refused<ArgumentException>("Mask.AllowedPairs has 4 entries", "Give 3", "or 12 (4 heads)");
        new DoorCall { Options = new() { Mask = AttentionMask.BlockSparse(new bool[2]) } }.Refused<ArgumentException>("Mask.AllowedBlocks has 2 entries", "Give 1", "or 4 (4 heads)");
    }

    [Fact]
    public void Rejects_WeightsThatDoNotFit()
    {
        new DoorCall { Options = new() { Weighting = SignWeighting.Learned(new float[23], new float[20]) } }.Refused<ArgumentException>("Weighting.RowWeights has 23 values", "2 x 4 x 3 needs 24");
        new DoorCall { Options = new() { Weighting = SignWeighting.Learned(new float[24], new float[40]) } }.Refused<ArgumentException>("Weighting.ColumnWeights has 40 values", "2 x 2 x 5 needs 20");
        new DoorCall { Options = new() { Weighting = SignWeighting.LearnedRows(new float[23], SignWeightingMode.None) } }.Refused<ArgumentException>("Weighting.RowWeights has 23 values");
        new DoorCall { Options = new() { Weighting = SignWeighting.LearnedColumns(SignWeightingMode.MeanMagnitudePerToken, new float[21]) } }.Refused<ArgumentException>("Weighting.ColumnWeights has 21 values");
        Assert.Throws<ArgumentException>(() => SignWeighting.LearnedRows(new float[1], SignWeightingMode.Learned));
        ArgumentException notFinite = Assert.Throws<ArgumentException>(() => SignWeighting.Learned(new float[] { 1, float.NaN }, new float[1]));
        Assert.Contains("rowWeights holds NaN at index 1", notFinite.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SignWeighting.Learned(new float[1], new float[] { float.NegativeInfinity }));
    }

    [Fact]
    public void Rejects_SecondPlanesWithoutMeanMagnitudes()
    {
        new DoorCall { Options = new() { QueryPlanes = 2, Weighting = SignWeighting.None } }.Refused<ArgumentException>("QueryPlanes is 2 and Weighting.Rows is None", "MeanMagnitudePerHead");
        new DoorCall { Options = new() { KeyPlanes = 2, Weighting = SignWeighting.Learned(new float[24], new float[20]) } }.Refused<ArgumentException>("KeyPlanes is 2 and Weighting.Columns is Learned", "one plane");
    }

    [Fact]
    public void Rejects_CalibrationsThatDoNotFit()
    {
        Refused(new() { QueryCentre = new float[15] }, "Calibration.QueryCentre has 15 values", "4 x 8 needs 32");
        Refused(new() { KeyCentre = new float[15] }, "Calibration.KeyCentre has 15 values", "2 x 8 needs 16");
        Refused(new() { Rotation = new float[16] }, "Calibration.Rotation has 16 values", "2 x 8 x 8 needs 128");
        Refused(new() { Temperature = new float[2] }, "Calibration.Temperature has 2 values", "needs 4");
        Refused(new() { Temperature = new float[] { 1, 1, float.PositiveInfinity, 1 } }, "Calibration.Temperature holds", "at index 2", "finite");
        new DoorCall { Options = new() { LogitScale = -1e30f, Calibration = new() { Temperature = new float[] { 1, 1e20f, 1, 1 } } } }.Refused<ArgumentException>("Calibration.Temperature holds 1E+20 at index 1", "LogitScale -1E+30", "beyond float32");

        static void Refused(AttentionCalibration calibration, params ReadOnlySpan<string> parts) => new DoorCall { Options = new() { Calibration = calibration } }.Refused<ArgumentException>(parts);
    }

    [Fact]
    public void Rejects_LowRankFactorsThatCouldMaskOrOverflow()
    {
        ArgumentException masking = Assert.Throws<ArgumentException>(() => AttentionBias.LowRank(new float[] { float.NegativeInfinity }, new float[] { 1 }, 1, 1, 1, 1, 1));
        Assert.Contains("queryFactors holds", masking.Message, StringComparison.Ordinal);
        Assert.Contains("AttentionOptions.Mask", masking.Message, StringComparison.Ordinal);
        ArgumentException overflow = Assert.Throws<ArgumentException>(() => AttentionBias.LowRank(new float[] { 1e20f }, new float[] { 1e20f }, 1, 1, 1, 1, 1));
        Assert.Contains("beyond float32", overflow.Message, StringComparison.Ordinal);
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
