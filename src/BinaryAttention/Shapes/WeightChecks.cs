// Every check of learned weights and of a calibration against the call, once. Values of learned weights were checked when they were made; a calibration is a plain record, checked here.
namespace BinaryAttention.Shapes;

internal static class WeightChecks
{
    public static void Learned(SignWeighting weighting, in AttentionShape shape)
    {
        if (weighting.Rows == SignWeightingMode.Learned)
        {
            Length(weighting.RowWeights.Length, (long)shape.BatchSize * shape.HeadCount * shape.QueryLength, "Weighting.RowWeights", $"[batch, heads, queryLength] = {shape.BatchSize} x {shape.HeadCount} x {shape.QueryLength}");
        }

        if (weighting.Columns == SignWeightingMode.Learned)
        {
            Length(weighting.ColumnWeights.Length, (long)shape.BatchSize * shape.KeyHeadCount * shape.KeyLength, "Weighting.ColumnWeights", $"[batch, keyHeads, keyLength] = {shape.BatchSize} x {shape.KeyHeadCount} x {shape.KeyLength}");
        }
    }

    public static void Calibration(AttentionCalibration calibration, in AttentionShape shape)
    {
        Part(calibration.QueryCentre, (long)shape.HeadCount * shape.HeadDimension, nameof(calibration.QueryCentre), $"[heads, headDimension] = {shape.HeadCount} x {shape.HeadDimension}");
        Part(calibration.KeyCentre, (long)shape.KeyHeadCount * shape.HeadDimension, nameof(calibration.KeyCentre), $"[keyHeads, headDimension] = {shape.KeyHeadCount} x {shape.HeadDimension}");
        Part(calibration.Rotation, (long)shape.KeyHeadCount * shape.HeadDimension * shape.HeadDimension, nameof(calibration.Rotation), $"[keyHeads, headDimension, headDimension] = {shape.KeyHeadCount} x {shape.HeadDimension} x {shape.HeadDimension}");
        Part(calibration.Temperature, shape.HeadCount, nameof(calibration.Temperature), $"[heads] = {shape.HeadCount}");
    }

    public static void Temperatures(ReadOnlySpan<float> temperatures, float logitScale)
    {
        for (int head = 0; head < temperatures.Length; head++)
        {
            if (!float.IsFinite(temperatures[head] * logitScale))
            {
                throw new ArgumentException($"Calibration.Temperature holds {temperatures[head]} at index {head}, which times LogitScale {logitScale} is beyond float32. Scale one of them down.", "options");
            }
        }
    }

    private static void Part(ReadOnlyMemory<float> part, long expected, string name, string sizes)
    {
        if (part.IsEmpty)
        {
            return;
        }

        Length(part.Length, expected, $"Calibration.{name}", sizes);
        int index = part.Span.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        if (index >= 0)
        {
            throw new ArgumentException($"Calibration.{name} holds {part.Span[index]} at index {index}; every value must be finite.", "options");
        }
    }

    private static void Length(int actual, long expected, string name, string sizes)
    {
        if (actual != expected)
        {
            throw new ArgumentException($"{name} has {actual} values; {sizes} needs {expected}.", "options");
        }
    }
}
