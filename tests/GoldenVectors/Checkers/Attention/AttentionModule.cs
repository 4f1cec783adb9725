// The attention module that the files describe: qkv projection, attention, output projection. The projections are computed here in double (their inputs are dyadic, so
// q, k and v are exact in float32); attention itself is the library's.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using TestKit.Attention;
using AttentionApi = BinaryAttention.Attention;

namespace GoldenVectors.Checkers.Attention;

internal sealed partial class AttentionModule
{
    private readonly GoldenFile _file;
    private readonly string _prefix;
    private readonly double[] _x;
    private readonly double[] _outputGradient;
    private readonly double[] _qkvWeight;
    private readonly double[] _projWeight;
    private readonly double[]? _projBias;
    private readonly double[]? _qkvBias;

    public AttentionModule(GoldenFile file, string prefix)
    {
        _file = file;
        _prefix = prefix;
        GoldenTensor x = file.Input(prefix + "in/x");
        int headCount = file.MetadataInt("heads");
        System.Text.Json.JsonElement grid = file.MetadataJson("grid");
        Sizes = new AttentionModuleSizes(x.Shape[0], x.Shape[1], headCount, x.Shape[2] / headCount, grid[0].GetInt32(), grid[1].GetInt32());
        _x = x.Values;
        _outputGradient = file.Input(prefix + "in/grad_out").Values;
        _qkvWeight = Required("qkv.weight");
        _projWeight = Required("proj.weight");
        _qkvBias = Optional("qkv.bias");
        _projBias = Optional("proj.bias");
        Table = Optional("relative_position_bias_table") is { } table ? Array.ConvertAll(table, static value => (float)value) : null;
        Qkv = DenseLinear.Apply(_x, _qkvWeight, _qkvBias, Sizes.Width, 3 * Sizes.Width);
        Query = Singles(Sizes.Split(Qkv, 0));
        Key = Singles(Sizes.Split(Qkv, 1));
        Value = Singles(Sizes.Split(Qkv, 2));
    }

    public AttentionModuleSizes Sizes { get; }

    public float[]? Table { get; }

    public double[] Qkv { get; }

    public float[] Query { get; }

    public float[] Key { get; }

    public float[] Value { get; }

    /// <summary>The module's output, attention computed through the public API with one kernel.</summary>
    public double[] Forward(AttentionFlags flags, string kernel) => Project(Attend(flags, kernel));

    /// <summary>The reference's operands for one combination of switches.</summary>
    public ReferenceInputs Reference(AttentionFlags flags) =>
        ReferenceInputs.Create(SpecificationBuilder.Build(Shape, Options(flags), flags.IsBinary), Query, Key, Value);

    /// <summary>All gradients of sum(out * grad_out) by name, attention's by the reference.</summary>
    public IReadOnlyDictionary<string, double[]> Backward(AttentionFlags flags, out ReferenceGradients attention)
    {
        int width = Sizes.Width;
        float[] attended = Singles(Sizes.Unmerge(DenseLinear.InputGradient(_outputGradient, _projWeight, width, width)));
        ReferenceInputs inputs = Reference(flags);
        attention = flags.IsBinary ? ReferenceBinaryAttentionBackward.Run(inputs, attended) : ReferenceAttentionBackward.Run(inputs, attended);
        Dictionary<string, double[]> gradients = Projections(flags, "reference", Sizes.Join(attention.Query, attention.Key, attention.Value), attention.Bias);
        gradients.Add("P", attention.Probabilities);
        gradients.Add("S", attention.Logits);
        return gradients;
    }

    /// <summary>The gradients of sum(out * grad_out) by name, attention's through the public API with one kernel.</summary>
    public IReadOnlyDictionary<string, double[]> Backward(AttentionFlags flags, string kernel)
    {
        float[] attended = Singles(Sizes.Unmerge(DenseLinear.InputGradient(_outputGradient, _projWeight, Sizes.Width, Sizes.Width)));
        var output = new float[Query.Length];
        var logSumExp = new float[Sizes.BatchSize * Sizes.HeadCount * Sizes.TokenCount];
        var (query, key, value) = (new float[Query.Length], new float[Key.Length], new float[Value.Length]);
        var bias = new float[flags.HasBias ? Table!.Length : 0];
        var wanted = new AttentionOptionGradients { Bias = bias };
        AttentionOptions options = Options(flags, kernel, Shape);
        if (options is BinaryAttentionOptions binary)
        {
            AttentionApi.BinaryScaledDotProduct(Query, Key, Value, output, Shape, binary, logSumExp);
            AttentionApi.BinaryScaledDotProductBackward(Query, Key, Value, logSumExp, attended, query, key, value, Shape, binary, wanted);
        }
        else
        {
            AttentionApi.ScaledDotProduct(Query, Key, Value, output, Shape, options, logSumExp);
            AttentionApi.ScaledDotProductBackward(Query, Key, Value, logSumExp, attended, query, key, value, Shape, options, wanted);
        }

        return Projections(flags, kernel, Sizes.Join(Doubles(query), Doubles(key), Doubles(value)), Doubles(bias));
    }

    private Dictionary<string, double[]> Projections(AttentionFlags flags, string kernel, double[] qkv, double[] bias)
    {
        int width = Sizes.Width;
        double[] merged = Sizes.Merge(Attend(flags, kernel));
        var gradients = new Dictionary<string, double[]>(StringComparer.Ordinal)
        {
            ["qkv_out"] = qkv,
            ["qkv.weight"] = DenseLinear.WeightGradient(_x, qkv, width, 3 * width),
            ["qkv.bias"] = DenseLinear.BiasGradient(qkv, 3 * width),
            ["x"] = DenseLinear.InputGradient(qkv, _qkvWeight, width, 3 * width),
            ["proj.weight"] = DenseLinear.WeightGradient(merged, _outputGradient, width, width),
            ["proj.bias"] = DenseLinear.BiasGradient(_outputGradient, width),
        };
        if (flags.HasBias)
        {
            gradients.Add("relative_position_bias_table", bias);
        }

        return gradients;
    }

    private AttentionShape Shape => new(Sizes.BatchSize, Sizes.HeadCount, Sizes.TokenCount, Sizes.TokenCount, Sizes.HeadDimension, Sizes.HeadDimension) { KeyHeadCount = Sizes.HeadCount };

    // A kernel that does not take the call gives way to the best one that does.
    private AttentionOptions Options(AttentionFlags flags, string? kernel, in AttentionShape shape)
    {
        AttentionOptions options = Options(flags);
        return options with { Kernel = KernelPreference.NameOrBest(kernel, shape, options) };
    }

    private AttentionOptions Options(AttentionFlags flags) => flags.IsBinary
        ? new BinaryAttentionOptions
        {
            Bias = flags.HasBias ? AttentionBias.RelativePosition(Table, Sizes.HeadCount, Sizes.GridHeight, Sizes.GridWidth) : null,
            Quantization = flags.Is8Bit ? ValueQuantization.TrainingParity : ValueQuantization.Full,
        }
        : new AttentionOptions();

    private double[] Attend(AttentionFlags flags, string kernel)
    {
        var output = new float[Query.Length];
        if (flags.IsBinary)
        {
            AttentionApi.BinaryScaledDotProduct(Query, Key, Value, output, Shape, (BinaryAttentionOptions)Options(flags, kernel, Shape));
        }
        else
        {
            AttentionApi.ScaledDotProduct(Query, Key, Value, output, Shape, Options(flags, kernel, Shape));
        }

        return Array.ConvertAll(output, static value => (double)value);
    }

    /// <summary>Attention to the identity matrix as values, which makes the output the probabilities; and the row log-sum-exp.</summary>
    public (float[] Output, float[] LogSumExp) AttendToIdentity(AttentionFlags flags, string kernel)
    {
        int planes = Sizes.BatchSize * Sizes.HeadCount;
        int tokens = Sizes.TokenCount;
        var identity = new float[planes * tokens * tokens];
        for (int row = 0; row < planes * tokens; row++)
        {
            identity[(row * tokens) + (row % tokens)] = 1;
        }

        var output = new float[identity.Length];
        var logSumExp = new float[planes * tokens];
        AttentionShape shape = Shape with { ValueDimension = tokens };
        if (flags.IsBinary)
        {
            AttentionApi.BinaryScaledDotProduct(Query, Key, identity, output, shape, (BinaryAttentionOptions)Options(flags, kernel, shape), logSumExp);
        }
        else
        {
            AttentionApi.ScaledDotProduct(Query, Key, identity, output, shape, Options(flags, kernel, shape), logSumExp);
        }

        return (output, logSumExp);
    }

    private double[] Project(double[] heads) => DenseLinear.Apply(Sizes.Merge(heads), _projWeight, _projBias, Sizes.Width, Sizes.Width);

    private double[] Required(string name) => Optional(name) ?? throw new KeyNotFoundException($"{_file.FileName} has neither tensor {_prefix}w/{name} nor a formula for it.");

    private double[]? Optional(string name) => _file.Weight($"{_prefix}w/{name}", name)?.Values;

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, static value => (double)value);

    private static float[] Singles(double[] values) => Array.ConvertAll(values, static value => (float)value);
}
