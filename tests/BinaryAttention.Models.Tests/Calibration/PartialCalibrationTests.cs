// Layers without codes, calibrations that continue, and calibrations with a time limit, on the digits' transformer.
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Calibration;

public sealed class PartialCalibrationTests : IDisposable
{
    private static readonly CheckpointOptions Checkpoint = new() { Activation = MlpActivation.Relu };
    private static readonly CalibrationOptions ClosedForm = new() { Recipe = CalibrationRecipe.ClosedForm };
    private static readonly string ModelPath = Path.Combine(AppContext.BaseDirectory, "Data", "vit_mnist.pt");

    private readonly TensorFile _file = TensorFile.Open(ModelPath);
    private readonly VisionTransformer _model = VisionTransformer.Load(ModelPath, checkpoint: Checkpoint);
    private readonly LabelledIdxImages _digits = LabelledIdxImages.Open(Path.Combine(AppContext.BaseDirectory, "Data", "images.idx3.gz"), Path.Combine(AppContext.BaseDirectory, "Data", "labels.idx1.gz"));

    [Fact]
    public void EightBitLayers_AreInTheFile_AndRunSo()
    {
        ModelCodes codes = Run(ClosedForm with { ExactLayers = [1], EightBitLayers = [4, 0] });
        Assert.Equal([2, 3, 5], codes.Form.Layers);
        using var folder = new TemporaryFolder();
        string path = folder["calibrated.safetensors"];
        SafeTensorsWriter.Write(path, CalibratedCheckpoint.Tensors(_file, codes, TensorElementType.Float32), CalibratedCheckpoint.Metadata(_file, _model.Configuration, codes, "0", "test"));
        VisionTransformer read = VisionTransformer.Load(path, options: new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Calibrated) });
        Assert.Equal([0, 4], read.Configuration.Calibration!.EightBitLayers);
        VisionTransformer mixed = read.With(new VisionTransformerOptions
        {
            Attention = AttentionChoice.PerLayer([LayerAttention.EightBit, LayerAttention.Exact, LayerAttention.Calibrated, LayerAttention.Calibrated, LayerAttention.EightBit, LayerAttention.Calibrated]),
        });
        Assert.Equal(mixed.Forward(Digit(3)), read.Forward(Digit(3)));

        // Taken away afterwards they come to the same.
        ModelCodes later = Run(ClosedForm).InEightBits([0, 4]).Without([1]);
        Assert.Equal(codes.Form.Layers, later.Form.Layers);
        Assert.Equal(codes.Form.EightBitLayers, later.Form.EightBitLayers);
        Assert.Equal([1], later.Options.ExactLayers);
    }

    [Fact]
    public void EightBitLayers_AreChecked()
    {
        Assert.Contains("layer 2 is in ExactLayers and in EightBitLayers", Assert.Throws<ArgumentException>(() => Run(ClosedForm with { ExactLayers = [2], EightBitLayers = [2] })).Message, StringComparison.Ordinal);
        Assert.Contains("layers 0 to 5", Assert.Throws<ArgumentException>(() => Run(ClosedForm with { EightBitLayers = [6] })).Message, StringComparison.Ordinal);
        Assert.Contains("not all", Assert.Throws<ArgumentException>(() => Run(ClosedForm with { EightBitLayers = [0, 1, 2], ExactLayers = [3, 4, 5] })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Run(ClosedForm).InEightBits([0, 1, 2, 3, 4, 5]));
    }

    [Fact]
    public void Continued_CalibrationIsTheSameBitForBit()
    {
        CalibrationOptions options = new() { Recipe = CalibrationRecipe.Rotation, Steps = 3, Rank = 1 };
        ModelCodes whole = Run(options);
        using var folder = new TemporaryFolder();
        string path = folder["some.partial"];
        PartialCalibration.Write(path, "key", [whole.Layers[4], whole.Layers[1]]);
        Assert.Null(PartialCalibration.Read(path, "another key"));
        IReadOnlyList<LayerCodes> done = PartialCalibration.Read(path, "key")!;
        List<int> repeated = [];
        ModelCodes continued = Calibrator(options).Run(16, Digit, layer => repeated.Add(layer.Layer), done, TestContext.Current.CancellationToken);
        Assert.Equal([0, 2, 3, 5], repeated.Order());
        for (int layer = 0; layer < 6; layer++)
        {
            Assert.Equal(layer, continued.Layers[layer].Layer);
            Assert.Equal(whole.Layers[layer].Weight, continued.Layers[layer].Weight);
            Assert.Equal(whole.Layers[layer].Bias, continued.Layers[layer].Bias);
            Assert.Equal(whole.Layers[layer].Temperature, continued.Layers[layer].Temperature);
            Assert.Equal((whole.Layers[layer].NaiveDivergence, whole.Layers[layer].Divergence), (continued.Layers[layer].NaiveDivergence, continued.Layers[layer].Divergence));
        }
    }

    [Fact]
    public void DamagedSideFile_IsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["some.partial"], "something");
        Assert.Throws<FileFormatException>(() => PartialCalibration.Read(folder["some.partial"], "key"));
        SafeTensorsWriter.Write(folder["list.partial"], [], new Dictionary<string, string>(StringComparer.Ordinal) { ["calibration_key"] = "key", ["calibration_layers"] = "[[0" });
        Assert.Contains("start anew", Assert.Throws<FileFormatException>(() => PartialCalibration.Read(folder["list.partial"], "key")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Budget_ChoosesSteps()
    {
        CalibrationOptions options = new() { Steps = 700, StepSize = 8e-3f, Budget = TimeSpan.FromHours(1), MaxDegreeOfParallelism = 2 };
        Assert.Equal(options, new CalibrationBudget(options, 36).Fit(0.01));

        // An hour, four fifths of it usable, two threads, 36 heads: 800 ms a step leave about 200 steps, 2 s none worth having.
        CalibrationOptions fewer = new CalibrationBudget(options, 36).Fit(0.8);
        Assert.InRange(fewer.Steps, 195, 200);
        Assert.InRange(fewer.StepSize, 8e-3f * 1.8f, 8e-3f * 2);
        Assert.Equal(CalibrationRecipe.ClosedForm, new CalibrationBudget(options, 36).Fit(2).Recipe);
        Assert.Throws<ArgumentException>(() => (options with { Budget = TimeSpan.Zero }).Validate());
    }

    [Fact]
    public void SmallBudget_FallsBackToTheClosedForm()
    {
        ModelCodes codes = Run(new CalibrationOptions { Budget = TimeSpan.FromMilliseconds(1) });
        ModelCodes closed = Run(ClosedForm);
        Assert.Equal(CalibrationRecipe.ClosedForm, codes.Options.Recipe);
        Assert.All(Enumerable.Range(0, 6), layer => Assert.Equal(closed.Layers[layer].Weight, codes.Layers[layer].Weight));
    }

    public void Dispose() => _file.Dispose();

    private float[] Digit(int index) => _digits.Normalized(index);

    private VisionTransformerCalibrator Calibrator(CalibrationOptions options) => new(_model, WeightSource.FromTensorFile(_file, "digits"), options, Checkpoint);

    private ModelCodes Run(CalibrationOptions options) => Calibrator(options).Run(16, Digit, cancellationToken: TestContext.Current.CancellationToken);
}
