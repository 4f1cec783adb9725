// One pre-norm transformer block in training:   x += proj(attention(norm1(x)));   x += fc2(f(fc1(norm2(x)))), each branch perhaps skipped for some images.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Networks;

internal sealed class TrainableBlock
{
    private readonly ParameterSet _parameters;
    private readonly VisionTransformerConfiguration _configuration;
    private readonly int _block;
    private readonly AttentionOptions _options;
    private readonly LearnedBias? _bias;
    private readonly CalibratedForm? _form;

    public TrainableBlock(ParameterSet parameters, VisionTransformerConfiguration configuration, int block, LayerAttention attention)
    {
        (_parameters, _configuration, _block) = (parameters, configuration, block);
        if (attention.IsCalibrated)
        {
            _form = configuration.Calibration ?? throw new ArgumentException("The attention is Calibrated, but the model has no codes. Start from a calibrated checkpoint, or choose OneBit.", nameof(attention));
            _form = _form.Layers.Contains(block) ? _form : null;
        }

        if (configuration.HasRelativePositionBias && attention.UseRelativeBias)
        {
            _bias = LearnedBias.RelativePosition(parameters.Find(CheckpointNames.RelativeTable(block))!, configuration.GridHeight, configuration.GridWidth);
        }

        _options = _form is not null ? Coded(_form, attention.Binary!) : attention.IsCalibrated || attention.Binary is null ? new AttentionOptions() : attention.Binary;
        if (_options is BinaryAttentionOptions { QueryPlanes: > 1 } or BinaryAttentionOptions { KeyPlanes: > 1 })
        {
            throw new ArgumentException("Second sign planes have no gradient. Train with one plane.", nameof(attention));
        }
    }

    public Variable Forward(Variable x, float[] firstFactors, float[] secondFactors, Action<AttentionTap>? observe)
    {
        Variable normalised = Norm(x, "norm1"), projected = Linear(normalised, "attn.qkv", _configuration.HasQueryKeyValueBias);
        x = x.Residual(Linear(Attend(normalised, projected, observe), "attn.proj"), firstFactors);
        Variable hidden = Linear(Norm(x, "norm2"), "mlp.fc1");
        hidden = _configuration.Activation == MlpActivation.Relu ? hidden.Relu() : hidden.Gelu();
        return x.Residual(Linear(hidden, "mlp.fc2"), secondFactors);
    }

    private Variable Attend(Variable normalised, Variable projected, Action<AttentionTap>? observe)
    {
        int heads = _configuration.HeadCount;
        if (_form is null)
        {
            observe?.Invoke(new AttentionTap(_block, projected, heads, _configuration.HeadDimension, _options, _bias));
            return projected.SelfAttention(heads, _options, _bias);
        }

        Variable codes = normalised.Linear(_parameters.Find(CalibratedFormReader.Name(_block, "weight"))!, _parameters.Find(CalibratedFormReader.Name(_block, "bias"))!);
        observe?.Invoke(new AttentionTap(_block, codes, heads, _form.CodeLength, _options, null) { CarriesKeyBias = true });
        Variable attended = codes.CodedSelfAttention(projected, heads, _form.Rank, (BinaryAttentionOptions)_options);
        return _form.HasExactSpecialRows ? attended.WithExactRows(projected, heads, _configuration.SpecialTokenCount) : attended;
    }

    // As the model for inference runs the codes.
    private BinaryAttentionOptions Coded(CalibratedForm form, BinaryAttentionOptions options) => options with
    {
        LogitScale = (float)(1 / Math.Sqrt(_configuration.HeadDimension)),
        Weighting = new SignWeighting(SignWeightingMode.MeanMagnitudePerToken, form.WeightsKeys ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.None),
        QueryPlanes = form.QueryPlanes,
        KeyPlanes = form.KeyPlanes,
        Calibration = new AttentionCalibration { Temperature = _parameters.Find(CalibratedFormReader.Name(_block, "temperature"))!.ValueMemory },
    };

    private Variable Norm(Variable x, string part) => x.LayerNorm(Find(part + ".weight"), Find(part + ".bias"), _configuration.LayerNormEpsilon);

    private Variable Linear(Variable x, string part, bool hasBias = true) => x.Linear(Find(part + ".weight"), hasBias ? Find(part + ".bias") : null);

    private Parameter Find(string part) => _parameters.Find(CheckpointNames.Block(_block, part))!;
}
