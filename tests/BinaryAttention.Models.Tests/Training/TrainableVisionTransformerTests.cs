using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Vision;
using Xunit;

namespace BinaryAttention.Models.Tests.Training;

public sealed class TrainableVisionTransformerTests
{
    private static readonly VisionTransformerConfiguration Small = new() { ImageHeight = 16, ImageWidth = 8, PatchSize = 4, ChannelCount = 1, Width = 24, Depth = 2, HeadCount = 3, ClassCount = 5, HasRelativePositionBias = true };

    public static TheoryData<string> Kinds() => ["exact", "tiled", "parity", "full", "per-token"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Learns_AndRunsTheSame_AsModelForInference(string kind)
    {
        TrainableVisionTransformer model = Create(Small, kind);
        float[] images = RandomValues.Uniform(1, 10 * model.ImageLength);
        int[] labels = [.. Enumerable.Range(0, 10).Select(static i => i % 5)];
        var optimizer = new AdamW(model.Parameters);
        var workspace = new Workspace(2);
        List<float> losses = [];
        for (int step = 0; step < 40; step++)
        {
            losses.Add(Step(model, workspace, images, labels, step));
            GradientClipping.ClipGlobalNorm(model.Parameters, 5);
            optimizer.Step(3e-3, workspace);
        }

        Assert.True(losses[^1] < 0.5 * losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
        using var tape = new Tape(workspace);
        using (tape.WithoutGradients())
        {
            float[] trained = model.Forward(tape, images).Values.ToArray(), run = model.ToInference().Forward(images);
            for (int i = 0; i < run.Length; i++)
            {
                Assert.Equal(run[i], trained[i], 2e-4f);
            }
        }
    }

    [Fact]
    public void Steps_HaveTheSameBits_AtAnyNumberOfThreads_AndWithRecomputation()
    {
        float[][] results = [.. new[] { (1, false), (3, false), (2, true) }.Select(run =>
        {
            TrainableVisionTransformer model = Create(Small, "tiled", run.Item2, 0.3);
            var workspace = new Workspace(run.Item1);
            var optimizer = new AdamW(model.Parameters);
            float[] images = RandomValues.Uniform(1, 10 * model.ImageLength);
            for (int step = 0; step < 3; step++)
            {
                Step(model, workspace, images, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4], step);
                optimizer.Step(1e-3, workspace);
            }

            return model.Parameters.SelectMany(static parameter => parameter.Values.ToArray()).ToArray();
        })];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public void DropPath_DependsOnTheStep_AndNotInEvaluation()
    {
        TrainableVisionTransformer model = Create(Small, "exact", recomputes: false, 0.5);
        float[] images = RandomValues.Uniform(2, 4 * model.ImageLength);
        Assert.Equal(Logits(model, images, 3), Logits(model, images, 3));
        Assert.NotEqual(Logits(model, images, 3), Logits(model, images, 4));
        Assert.Equal(Logits(model, images, null), Logits(Create(Small, "exact"), images, null));
    }

    [Fact]
    public void Parameters_HaveTheCheckpointNames_AndTimmsWeightDecay()
    {
        TrainableVisionTransformer model = new(VisionTransformerConfiguration.DeitTiny224, new TrainableVisionTransformerOptions { Randomness = new Randomness(3) });
        Assert.Equal(5_717_416, model.Parameters.TotalCount);
        Assert.All(model.Parameters, static parameter => Assert.Equal(parameter.Name.EndsWith(".weight", StringComparison.Ordinal) && !parameter.Name.Contains("norm", StringComparison.Ordinal), parameter.HasWeightDecay));
        double deviation = Math.Sqrt(model.Parameters.Find("blocks.4.mlp.fc1.weight")!.Values.ToArray().Average(static value => (double)value * value));
        Assert.Equal(0.02, deviation, 5e-4);
        Assert.All(model.Parameters.Find("blocks.0.norm1.weight")!.Values.ToArray(), static value => Assert.Equal(1, value));
    }

    [Fact]
    public void DistillationToken_PatchNorms_Relu_AndFreeHeadDimension_Train()
    {
        VisionTransformerConfiguration configuration = Small with { HasRelativePositionBias = false, HasDistillationToken = true, HasPatchNorms = true, Activation = MlpActivation.Relu, HeadDimension = 16, HasQueryKeyValueBias = false };
        TrainableVisionTransformer model = Create(configuration, "tiled");
        float[] images = RandomValues.Uniform(3, 4 * model.ImageLength);
        Step(model, new Workspace(1), images, [0, 1, 2, 3], 0);
        Assert.All(model.Parameters, static parameter => Assert.Contains(parameter.Gradient.ToArray(), static value => value != 0));
        float[] run = model.ToInference().Forward(images), trained = Logits(model, images, null);
        for (int i = 0; i < run.Length; i++)
        {
            Assert.Equal(run[i], trained[i], 2e-4f);
        }
    }

    [Fact]
    public void AttentionOnly_FreezesTheRest()
    {
        TrainableVisionTransformer model = Create(Small, "tiled");
        model.TrainAttentionOnly();
        Step(model, new Workspace(1), RandomValues.Uniform(3, 4 * model.ImageLength), [0, 1, 2, 3], 0);
        Assert.All(model.Parameters, static parameter => Assert.Equal(parameter.Name.Contains(".attn.", StringComparison.Ordinal), parameter.Gradient.ContainsAnyExcept(0f)));
    }

    [Fact]
    public void Load_AddsRelativeTables_ThatTheCheckpointDoesNotHave()
    {
        TrainableVisionTransformer exact = Create(Small with { HasRelativePositionBias = false }, "exact");
        TrainableVisionTransformer binary = TrainableVisionTransformer.Load(exact.ToWeightSource(), Small, new TrainableVisionTransformerOptions { Attention = Choice("tiled"), Randomness = new Randomness(9) });
        Assert.Equal(exact.Parameters.Find("blocks.1.attn.qkv.weight")!.Values.ToArray(), binary.Parameters.Find("blocks.1.attn.qkv.weight")!.Values.ToArray());
        Assert.True(binary.Parameters.Find("blocks.1.attn.relative_position_bias_table")!.Values.ContainsAnyExcept(0f));
    }

    [Theory]
    [InlineData("exact")]
    [InlineData("full")]
    [InlineData("per-token")]
    public void AttentionSimilarity_IsZeroForItself_AndBringsMapsCloser(string kind)
    {
        TrainableVisionTransformer teacher = Create(Small with { HasRelativePositionBias = false }, "exact"), student = Create(Small, kind);
        foreach (Parameter parameter in teacher.Parameters.Where(static parameter => parameter.Name.EndsWith("qkv.weight", StringComparison.Ordinal)))
        {
            System.Numerics.Tensors.TensorPrimitives.Multiply(parameter.Values, 20f, parameter.Values);
        }

        float[] images = RandomValues.Uniform(5, 3 * teacher.ImageLength);
        Assert.Equal(0, Similarity(teacher, teacher, images, learn: false), 1e-6);
        var optimizer = new AdamW(student.Parameters);
        double before = Similarity(student, teacher, images, learn: false);
        for (int step = 0; step < 25; step++)
        {
            student.Parameters.ZeroGradients();
            Similarity(student, teacher, images, learn: true);
            optimizer.Step(5e-3);
        }

        double after = Similarity(student, teacher, images, learn: false);
        Assert.True(after < 0.7 * before, $"the divergence went from {before} to {after}");
    }

    [Fact]
    public void AverageFollows_AndSwaps()
    {
        TrainableVisionTransformer model = Create(Small, "exact");
        Parameter head = model.Parameters.Find("head.weight")!;
        float[] start = head.Values.ToArray();
        var average = new ExponentialMovingAverage(model.Parameters, 0.75);
        head.Values.Fill(1);
        average.Update();
        average.Swap();
        Assert.Equal((0.75f * start[0]) + 0.25f, head.Values[0], 1e-6f);
        average.Swap();
        Assert.All(head.Values.ToArray(), static value => Assert.Equal(1, value));
    }

    [Fact]
    public void Average_OfWhatIsNotTrainedStaysToTheBit()
    {
        var parameter = new Parameter("p", 1000);
        RandomValues.Uniform(7, 1000).CopyTo(parameter.Values);
        float[] start = parameter.Values.ToArray();
        var average = new ExponentialMovingAverage(new ParameterSet { parameter }, 0.9999);
        for (int i = 0; i < 200; i++)
        {
            average.Update();
        }

        Assert.Equal(start, average.States[0].Values.ToArray());
    }

    [Fact]
    public void Parameters_WithoutGradientDoNotDecay()
    {
        Parameter used = new("used", 2, 2), unused = new("unused", 2, 2);
        used.Values.Fill(1);
        unused.Values.Fill(1);
        var parameters = new ParameterSet { used, unused };
        foreach (Optimizer optimizer in (Optimizer[])[new AdamW(parameters, new AdamOptions { WeightDecay = 0.5 }), new Adam(parameters, new AdamOptions { WeightDecay = 0.5 }), new Sgd(parameters, new SgdOptions { WeightDecay = 0.5 })])
        {
            parameters.ZeroGradients();
            used.Gradient.Clear();
            float before = used.Values[0];
            GradientClipping.ClipGlobalNorm(parameters, 1);
            optimizer.Step(0.1);
            Assert.True(used.Values[0] < before);
            Assert.Equal(1, unused.Values[0]);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Clipping_NamesTheGradientThatIsNotFinite(float value)
    {
        Parameter sound = new("sound", 2), broken = new("broken", 2);
        sound.Gradient.Fill(3);
        broken.Gradient[1] = value;
        Assert.Equal("broken", Assert.Throws<NonFiniteException>(() => GradientClipping.ClipGlobalNorm(new ParameterSet { sound, broken }, 1)).Layer);
        Assert.Equal(3, sound.Gradient[0]);
    }

    private static double Similarity(TrainableVisionTransformer student, TrainableVisionTransformer teacher, float[] images, bool learn)
    {
        using var tape = new Tape();
        List<AttentionTap> wanted = [], seen = [];
        using (tape.WithoutGradients())
        {
            teacher.Forward(tape, images, new ForwardPass { Observe = tap => { tap.Source.IsRetained = true; wanted.Add(tap); } });
        }

        student.Forward(tape, images, new ForwardPass { Observe = seen.Add });
        Variable loss = LossFunctions.WeightedSum([.. seen.Zip(wanted, static (ours, theirs) => (AttentionSimilarity.Loss(ours, theirs), 0.5))]);
        float value = loss.Item;
        if (learn)
        {
            tape.Backward(loss);
        }

        return value;
    }

    private static float Step(TrainableVisionTransformer model, Workspace workspace, float[] images, int[] labels, long step)
    {
        model.Parameters.ZeroGradients();
        using var tape = new Tape(workspace);
        Variable loss = LossFunctions.CrossEntropy(model.Forward(tape, images, new ForwardPass { Step = step }), labels);
        tape.Backward(loss);
        return loss.Item;
    }

    private static float[] Logits(TrainableVisionTransformer model, float[] images, long? step)
    {
        using var tape = new Tape();
        using (tape.WithoutGradients())
        {
            return model.Forward(tape, images, new ForwardPass { Step = step }).Values.ToArray();
        }
    }

    private static AttentionChoice Choice(string kind) => AttentionChoice.All(kind switch
    {
        "exact" => LayerAttention.Exact,
        "tiled" => LayerAttention.OneBit(ValueQuantization.Tiled),
        "parity" => LayerAttention.OneBit(ValueQuantization.TrainingParity),
        "per-token" => LayerAttention.OneBit(new BinaryAttentionOptions { Weighting = SignWeighting.PerTokenQuery, Quantization = ValueQuantization.Full }),
        _ => LayerAttention.OneBit(ValueQuantization.Full),
    });

    private static TrainableVisionTransformer Create(VisionTransformerConfiguration configuration, string kind, bool recomputes = false, double dropPath = 0) =>
        new(configuration, new TrainableVisionTransformerOptions { Attention = Choice(kind), RecomputesBlocks = recomputes, DropPathRate = dropPath, Randomness = new Randomness(42) });
}
