using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Vision;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

// The digits' transformer: small enough for a test, and trained, so that there is something to lose.
public sealed class CalibratorTests : IDisposable
{
    private static readonly CheckpointOptions Checkpoint = new() { Activation = MlpActivation.Relu };
    private static readonly string ModelPath = Path.Combine(AppContext.BaseDirectory, "Data", "vit_mnist.pt");

    private readonly TensorFile _file = TensorFile.Open(ModelPath);
    private readonly VisionTransformer _model = VisionTransformer.Load(ModelPath, checkpoint: Checkpoint);
    private readonly LabelledIdxImages _digits = LabelledIdxImages.Open(Path.Combine(AppContext.BaseDirectory, "Data", "images.idx3.gz"), Path.Combine(AppContext.BaseDirectory, "Data", "labels.idx1.gz"));

    [Fact]
    public void ClosedForm_BringsBackWhatSignsLose()
    {
        ModelCodes codes = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        Assert.Equal(6, codes.Layers.Count);
        VisionTransformer naive = _model.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.OneBit(ValueQuantization.Tiled)) });
        VisionTransformer calibrated = Load(codes);
        double before = Agreement(naive), after = Agreement(calibrated);
        Assert.True(after >= 0.9 && after > before + 0.1, $"agreement with exact attention: naive {before}, calibrated {after}");
    }

    [Fact]
    public void Learning_LowersTheDivergence_AndGivesTheSameBitsAtAnyThreadCount()
    {
        ModelCodes closed = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        var options = new CalibrationOptions { Recipe = CalibrationRecipe.Projection, Steps = 30, MaxDegreeOfParallelism = 1 };
        ModelCodes learned = Run(options), again = Run(options with { MaxDegreeOfParallelism = 3 });
        Assert.True(learned.Layers.Average(static layer => layer.Divergence) < 0.9 * closed.Layers.Average(static layer => layer.Divergence));
        for (int i = 0; i < learned.Layers.Count; i++)
        {
            Assert.Equal(learned.Layers[i].Weight, again.Layers[i].Weight);
            Assert.Equal(learned.Layers[i].Temperature, again.Layers[i].Temperature);
        }
    }

    [Fact]
    public void WrittenCheckpoint_LoadsByItself()
    {
        ModelCodes codes = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, Rank = 2, ExactSpecialRows = true, ExactLayers = [2] });
        using var folder = new TemporaryFolder();
        string path = folder["calibrated.safetensors"];
        SafeTensorsWriter.Write(path, CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.Float32), CalibratedCheckpoint.Metadata(_file, _model.Configuration, codes, "0", "test"));
        VisionTransformer read = VisionTransformer.Load(path, options: new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Calibrated) });
        Assert.Equal([0, 1, 3, 4, 5], read.Configuration.Calibration!.Layers);
        Assert.Equal(Load(codes).Forward(Digit(7)), read.Forward(Digit(7)));

        // Exact attention is as it was.
        Assert.Equal(_model.Forward(Digit(7)), read.With(new VisionTransformerOptions()).Forward(Digit(7)));
        Assert.Throws<ArgumentException>(() => CalibratedCheckpoint.Tensors(TensorFile.Open(path), codes, TensorElementType.Float32));
    }

    [Fact]
    public void Writer_RefusesCodesBeyondTheElementType_AndSaysWhatTheTensorsCannot()
    {
        ModelCodes codes = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        IReadOnlyDictionary<string, string> metadata = CalibratedCheckpoint.Metadata(_file, _model.Configuration, codes, "0", "test");
        Assert.Equal(("1E-05", "1", "relu"), (metadata["layer_norm_epsilon"], metadata["channels"], metadata["activation"]));
        codes.Layers[3].Bias[7] = 70_000;
        string message = Assert.Throws<ArgumentException>(() => CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.Float16)).Message;
        Assert.Contains("one_bit.3.bias holds 70000 at index 7", message, StringComparison.Ordinal);
        Assert.Contains("bf16", message, StringComparison.Ordinal);
        Assert.NotEmpty(CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.BFloat16));
        codes.Layers[3].Bias[7] = float.NaN;
        Assert.Throws<ArgumentException>(() => CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.Float32));
    }

    [Fact]
    public void Batches_AndNaN_BehaveAsInAnyModel()
    {
        VisionTransformer calibrated = Load(Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, ExactSpecialRows = true, Rank = 1 }));
        float[] first = calibrated.Forward(Digit(1)), second = calibrated.Forward(Digit(2));
        Assert.Equal([.. first, .. second], calibrated.Forward([.. Digit(1), .. Digit(2)]));
        float[] broken = Digit(1);
        broken[300] = float.NaN;
        Assert.All(calibrated.Forward(broken), static logit => Assert.True(float.IsNaN(logit)));
    }

    [Fact]
    public void Rejects_BadInput()
    {
        WeightSource source = WeightSource.FromTensorFile(_file, "digits");
        var calibrator = new VisionTransformerCalibrator(_model, source, null, Checkpoint);
        Assert.Contains("at least 4", Assert.Throws<ArgumentException>(() => calibrator.Run(3, Digit)).Message, StringComparison.Ordinal);
        Assert.Contains("one colour", Assert.Throws<ArgumentException>(() => calibrator.Run(4, static _ => new float[28 * 28])).Message, StringComparison.Ordinal);
        Assert.Contains("784", Assert.Throws<ArgumentException>(() => calibrator.Run(4, static _ => new float[5])).Message, StringComparison.Ordinal);
        Assert.Contains("finite", Assert.Throws<ArgumentException>(() => calibrator.Run(4, static _ => [float.NaN, .. new float[783]])).Message, StringComparison.Ordinal);
        Assert.Contains("QueryPlanes is 2", Assert.Throws<ArgumentException>(() => new VisionTransformerCalibrator(_model, source, new CalibrationOptions { QueryPlanes = 2 }, Checkpoint)).Message, StringComparison.Ordinal);
        Assert.Contains("ExactLayers", Assert.Throws<ArgumentException>(() => new VisionTransformerCalibrator(_model, source, new CalibrationOptions { ExactLayers = [6] }, Checkpoint)).Message, StringComparison.Ordinal);
        Assert.Contains("no codes", Assert.Throws<ArgumentException>(() => _model.With(new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Calibrated) })).Message, StringComparison.Ordinal);
        Assert.Throws<OperationCanceledException>(() => calibrator.Run(4, Digit, cancellationToken: new CancellationToken(canceled: true)));
        ModelCodes codes = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        Assert.Contains("1568", Assert.Throws<ArgumentException>("image", () => CalibrationMaps.Capture(_model, source, codes, [.. Digit(0), .. Digit(1)], Checkpoint)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_LimitsTheWorkers_AndRefusesMapsThatFitNoArray()
    {
        // 1,008 tokens in rows of 1,008 (whole vectors) or a little more: four such maps are 16 MB.
        long bytes = AttentionRows.RowBytes(1008, 1008, hasRank: false);
        Assert.InRange(bytes, 16L * 1008 * 1008, 17L * 1008 * 1024);
        Assert.Equal(bytes / 4 * 5, AttentionRows.RowBytes(1008, 1008, hasRank: true));
        Assert.Equal(3, VisionTransformerCalibrator.Workers(8, 1008, false, 6 * bytes));
        Assert.Equal(8, VisionTransformerCalibrator.Workers(8, 1008, false, 100 * bytes));
        Assert.Equal(1, VisionTransformerCalibrator.Workers(8, 1008, false, 1));
        Assert.Contains("smaller images", Assert.Throws<ArgumentException>(static () => AttentionRows.RowValues(65537, 65537)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_AreSpreadEvenly()
    {
        Assert.Equal([0, 3, 6], EvenSample.Of([.. Enumerable.Range(0, 10)], 3));
        Assert.Equal([5, 7], EvenSample.Of([5, 7], 3));

        // Images of one kind, then of another: the reported divergence is of both.
        ModelCodes half = Two(static index => index < 20 ? 0 : 1), other = Two(static index => index < 16 ? 0 : 1);
        Assert.NotEqual(half.Layers[0].NaiveDivergence, other.Layers[0].NaiveDivergence);
        ModelCodes Two(Func<int, int> which) => new VisionTransformerCalibrator(_model, WeightSource.FromTensorFile(_file, "digits"), new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm, ExactLayers = [1, 2, 3, 4, 5] }, Checkpoint)
            .Run(40, index => Digit(which(index)), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(null, "no metadata")]
    [InlineData("{", "damaged")]
    [InlineData("{\"format\":2}", "format 2")]
    [InlineData("{\"format\":1,\"codeLength\":0}", "codeLength 0")]
    public void Rejects_DamagedMetadata(string? record, string words)
    {
        ModelCodes codes = Run(new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string>(CalibratedCheckpoint.Metadata(_file, _model.Configuration, codes, "0", "test"), StringComparer.Ordinal);
        metadata.Remove("one_bit");
        if (record is not null)
        {
            metadata["one_bit"] = record;
        }

        SafeTensorsWriter.Write(folder["bad.safetensors"], CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.Float16), metadata);
        Assert.Contains(words, Assert.Throws<FileFormatException>(() => VisionTransformer.Load(folder["bad.safetensors"])).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _file.Dispose();

    private float[] Digit(int index) => _digits.Normalized(index);

    private ModelCodes Run(CalibrationOptions options) => new VisionTransformerCalibrator(_model, WeightSource.FromTensorFile(_file, "digits"), options, Checkpoint).Run(16, Digit, cancellationToken: TestContext.Current.CancellationToken);

    private VisionTransformer Load(ModelCodes codes) =>
        VisionTransformer.Load(codes.ApplyTo(WeightSource.FromTensorFile(_file, "digits"), Checkpoint), options: new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Calibrated) }, checkpoint: Checkpoint);

    private double Agreement(VisionTransformer model)
    {
        float[] pixels = [.. Enumerable.Range(16, 150).SelectMany(Digit)];
        return Accuracy.Agreement(_model.Forward(pixels), model.Forward(pixels), 10);
    }
}
