using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using BinaryAttention.Models.Training.Losses;
using Xunit;

namespace BinaryAttention.Models.Tests.Autograd;

public sealed class TapeTests
{
    private readonly Parameter _first = GradientCheck.Random("first.weight", 1, 0.3f, 40, 20), _second = GradientCheck.Random("second.weight", 2, 0.3f, 10, 40);

    private Variable Network(Variable x) => x.Linear(_first).Gelu().Linear(_second);

    private float[] Gradients(Workspace workspace, Func<Tape, Variable, Variable> network)
    {
        _first.ZeroGradient();
        _second.ZeroGradient();
        using var tape = new Tape(workspace);
        tape.Backward(LossFunctions.CrossEntropy(network(tape, tape.Constant(RandomValues.Uniform(3, 600 * 20), "x", 600, 20)), new int[600]));
        return [.. _first.Gradient, .. _second.Gradient];
    }

    [Fact]
    public void Gradients_AddUp_UntilZeroed()
    {
        float[] once = Gradients(new Workspace(1), (_, x) => Network(x));
        using (var tape = new Tape())
        {
            tape.Backward(LossFunctions.CrossEntropy(Network(tape.Constant(RandomValues.Uniform(3, 600 * 20), "x", 600, 20)), new int[600]));
        }

        for (int i = 0; i < _first.Length; i++)
        {
            Assert.Equal(2 * once[i], _first.Gradient[i], 1e-6f);
        }

        new ParameterSet { _first, _second }.ZeroGradients();
        Assert.All(_first.Gradient.ToArray(), static value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void SameBits_AtAnyNumberOfThreads(int threads) =>
        Assert.Equal(Gradients(new Workspace(1), (_, x) => Network(x)), Gradients(new Workspace(threads), (_, x) => Network(x)));

    [Fact]
    public void Checkpoint_GivesTheSameBits_InLessMemory()
    {
        Workspace plain = new(1), thrifty = new(1);
        Variable Deep(Variable x)
        {
            for (int i = 0; i < 6; i++)
            {
                x = x.Gelu();
            }

            return x;
        }

        float[] expected = Gradients(plain, (_, x) => Deep(Deep(Deep(x.Linear(_first)))).Linear(_second));
        float[] actual = Gradients(thrifty, (tape, x) => tape.Checkpoint(tape.Checkpoint(tape.Checkpoint(x.Linear(_first), Deep), Deep), Deep).Linear(_second));
        Assert.Equal(expected, actual);
        Assert.True(thrifty.Buffers.PeakBytes < plain.Buffers.PeakBytes * 0.6, $"{thrifty.Buffers.PeakBytes} against {plain.Buffers.PeakBytes} bytes");
    }

    [Fact]
    public void WithoutGradients_RecordsNothing()
    {
        using var tape = new Tape();
        Variable x = tape.Constant(RandomValues.Uniform(3, 60), "x", 3, 20), y;
        using (tape.WithoutGradients())
        {
            Assert.False(tape.IsRecording);
            y = Network(x);
        }

        Assert.True(tape.IsRecording);
        Assert.False(y.RequiresGradient);
        ArgumentException problem = Assert.Throws<ArgumentException>(() => tape.Backward(y.WeightedSum(new float[30])));
        Assert.Contains("depends on a trainable parameter", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FrozenParameters_GetNoGradient()
    {
        _first.IsTrainable = false;
        float[] gradients = Gradients(new Workspace(1), (_, x) => Network(x));
        Assert.All(gradients[.._first.Length], static value => Assert.Equal(0, value));
        Assert.Contains(gradients[_first.Length..], static value => value != 0);
    }

    [Fact]
    public void NonFiniteLoss_NamesTheFirstLayer_AndChangesNothing()
    {
        _second.Values[7] = float.NaN;
        using var tape = new Tape();
        Variable x = tape.Constant(RandomValues.Uniform(3, 60), "x", 3, 20), loss;
        using (tape.Scope("blocks.3"))
        {
            loss = LossFunctions.CrossEntropy(Network(x), [1, 2, 3]);
        }

        NonFiniteException problem = Assert.Throws<NonFiniteException>(() => tape.Backward(loss));
        Assert.Equal("second", problem.Layer);
        Assert.All(_first.Gradient.ToArray(), static value => Assert.Equal(0, value));
    }

    [Fact]
    public void NonFiniteBias_IsNamed()
    {
        Parameter table = GradientCheck.Random("blocks.0.attn.relative_position_bias_table", 4, 1, 18, 2);
        table.Values[3] = float.PositiveInfinity;
        using var tape = new Tape();
        Variable x = tape.Constant(RandomValues.Uniform(3, 7 * 30), "x", 1, 7, 30);
        Assert.Equal(table.Name, Assert.Throws<NonFiniteException>(() => x.SelfAttention(2, new AttentionOptions(), LearnedBias.RelativePosition(table, 2, 3))).Layer);
    }

    [Fact]
    public void WrongShapes_AreNamed()
    {
        using var tape = new Tape();
        Variable x = tape.Constant(new float[21], "x", 1, 21);
        Assert.Contains("first.weight [40, 20]", Assert.Throws<ArgumentException>(() => x.Linear(_first)).Message, StringComparison.Ordinal);
        Assert.Contains("Both must match", Assert.Throws<ArgumentException>(() => x.Add(tape.Constant(new float[21], "y", 21))).Message, StringComparison.Ordinal);
        Assert.Contains("needs 6", Assert.Throws<ArgumentException>(() => tape.Constant(new float[5], "z", 2, 3)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => tape.Constant([], "empty", 0));
        Assert.Throws<ArgumentException>(() => x.SelfAttention(2, new AttentionOptions()));
    }

    [Fact]
    public void Memory_ComesBack_AndIsReused()
    {
        var workspace = new Workspace(1);
        Gradients(workspace, (_, x) => Network(x));
        long held = workspace.Buffers.HeldBytes;
        Assert.Equal(0, workspace.Buffers.UsedBytes);
        Gradients(workspace, (_, x) => Network(x));
        Assert.Equal(held, workspace.Buffers.HeldBytes);
        Assert.Equal(0, workspace.Buffers.UsedBytes);
        workspace.Buffers.Trim();
        Assert.Equal(0, workspace.Buffers.HeldBytes);
    }

    [Fact]
    public void OneTape_AtATime()
    {
        var workspace = new Workspace(1);
        var tape = new Tape(workspace);
        Assert.Throws<InvalidOperationException>(() => new Tape(workspace));
        Variable x = tape.Constant([1], "x");
        tape.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.Values.Length);
        Assert.Throws<ObjectDisposedException>(() => tape.Constant([1], "y"));
        new Tape(workspace).Dispose();
    }
}
