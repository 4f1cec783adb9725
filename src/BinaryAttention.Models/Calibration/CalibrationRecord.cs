// What was done, as the metadata "one_bit" of a calibrated checkpoint: one JSON object. The loader reads how the codes are used (CalibratedFormReader), people read the rest.
using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

internal static class CalibrationRecord
{
    private static readonly JsonWriterOptions Options = new() { Indented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(ModelCodes codes, string imagesDigest, string tool)
    {
        CalibratedForm form = codes.Form;
        CalibrationOptions options = codes.Options;
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writer.WriteNumber("format", 1);
            writer.WriteNumber("codeLength", form.CodeLength);
            writer.WriteNumber("rank", form.Rank);
            writer.WriteNumber("queryPlanes", form.QueryPlanes);
            writer.WriteNumber("keyPlanes", form.KeyPlanes);
            writer.WriteString("keyWeights", form.WeightsKeys ? "per-token" : "per-head");
            writer.WriteBoolean("exactSpecialRows", form.HasExactSpecialRows);
            writer.WriteString("recipe", NameOf(options.Recipe));
            writer.WriteNumber("seed", options.Seed);
            writer.WriteNumber("steps", options.Recipe == CalibrationRecipe.ClosedForm ? 0 : options.Steps);
            writer.WriteNumber("images", codes.ImageCount);
            writer.WriteString("imagesSha256", imagesDigest);
            writer.WriteString("tool", tool);
            if (form.EightBitLayers.Count > 0)
            {
                writer.WriteStartArray("eightBitLayers");
                foreach (int layer in form.EightBitLayers)
                {
                    writer.WriteNumberValue(layer);
                }

                writer.WriteEndArray();
            }

            writer.WriteStartArray("layers");
            foreach (LayerCodes layer in codes.Layers)
            {
                writer.WriteStartObject();
                writer.WriteNumber("layer", layer.Layer);
                writer.WriteNumber("naiveDivergence", Math.Round(layer.NaiveDivergence, 5));
                writer.WriteNumber("divergence", Math.Round(layer.Divergence, 5));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string NameOf(CalibrationRecipe recipe) => recipe switch
    {
        CalibrationRecipe.ClosedForm => "closed-form",
        CalibrationRecipe.Rotation => "rotation",
        _ => "projection",
    };
}
