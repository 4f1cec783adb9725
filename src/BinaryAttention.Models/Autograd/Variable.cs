using System.Numerics.Tensors;

namespace BinaryAttention.Models.Autograd;

/// <summary>
/// A tensor on a <see cref="Autograd.Tape"/>: values, and during the backward pass their gradient. Its memory belongs to the tape: it is given back when the backward pass no longer needs it
/// or the tape is disposed.
/// </summary>
public sealed class Variable
{
    private PooledBuffer? _values;
    private PooledBuffer? _gradient;

    internal Variable(Tape tape, string name, int[] shape, PooledBuffer values) => (Tape, Name, Shape, _values) = (tape, name, shape, values);

    /// <summary>The tape it lives on.</summary>
    public Tape Tape { get; }

    /// <summary>What made it, for messages: the layer and the operation.</summary>
    public string Name { get; }

    /// <summary>The sizes, outermost first; empty for a scalar.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>Number of values.</summary>
    public int Length => Buffer.Length;

    /// <summary>Whether a backward pass computes its gradient.</summary>
    public bool RequiresGradient { get; internal set; }

    /// <summary>Keeps values and gradient until the tape is disposed instead of letting the backward pass reuse the memory: for logits, taps and tests.</summary>
    public bool IsRetained { get; set; }

    /// <summary>The values, row-major.</summary>
    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public ReadOnlySpan<float> Values => Buffer.Span;

    /// <summary>The gradient that the backward pass left; empty if there is none. Set <see cref="IsRetained"/> before the backward pass to read it afterwards.</summary>
    public ReadOnlySpan<float> Gradient => _gradient is null ? default : _gradient.Span;

    /// <summary>The value of a scalar.</summary>
    /// <exception cref="InvalidOperationException">There is more than one value.</exception>
    public float Item => Length == 1 ? Values[0] : throw new InvalidOperationException($"{Name} has shape {TensorShape.Text(Shape)}; a scalar is expected.");

    /// <summary>Product of all sizes but the last.</summary>
    internal int Rows => Shape.Count == 0 ? 1 : Length / Shape[^1];

    internal PooledBuffer Buffer => _values ?? throw new ObjectDisposedException(Name, $"The memory of {Name} was given back. Set IsRetained before the backward pass, and read before the tape is disposed.");

    internal bool HasValues => _values is not null;

    /// <summary>The gradient, for the operation that made this variable; it may be read, not changed.</summary>
    internal PooledBuffer GradientBuffer => _gradient ?? throw new InvalidOperationException($"{Name} has no gradient.");

    internal bool HasGradient => _gradient is not null;

    /// <summary>Whether a gradient exists that nobody shares, so that an operation may add to it in place.</summary>
    internal bool OwnsGradient => _gradient is { Shares: 1 };

    /// <summary>Adds a gradient. Takes over one share of the buffer.</summary>
    internal void Adopt(PooledBuffer gradient)
    {
        if (_gradient is null)
        {
            _gradient = gradient;
            return;
        }

        if (_gradient.Shares > 1)
        {
            PooledBuffer copy = Tape.Rent(Length);
            TensorPrimitives.Add(_gradient.Span, gradient.Span, copy.Span);
            Tape.Return(_gradient);
            _gradient = copy;
        }
        else
        {
            TensorPrimitives.Add(_gradient.Span, gradient.Span, _gradient.Span);
        }

        Tape.Return(gradient);
    }

    /// <summary>Gives back what the backward pass no longer needs.</summary>
    internal void Release(bool alsoRetained)
    {
        if (IsRetained && !alsoRetained)
        {
            return;
        }

        if (_values is not null)
        {
            Tape.Return(_values);
            _values = null;
        }

        if (_gradient is not null)
        {
            Tape.Return(_gradient);
            _gradient = null;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {TensorShape.Text(Shape)}";
}
