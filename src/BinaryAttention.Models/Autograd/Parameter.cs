using System.Runtime.CompilerServices;

namespace BinaryAttention.Models.Autograd;

/// <summary>A tensor that training changes: dense float32 values and their gradient, under the name that a checkpoint gives it. Gradients add up until they are zeroed.</summary>
public sealed unsafe class Parameter
{
    private readonly float[] _values;
    private float[]? _gradient;

    /// <summary>Zeros of a shape.</summary>
    /// <param name="name">The name in checkpoints.</param>
    /// <param name="shape">The sizes, each at least 1.</param>
    /// <exception cref="ArgumentException">The name is empty, a size is below 1, or the product of the sizes does not fit an array.</exception>
    public Parameter(string name, params ReadOnlySpan<int> shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (Name, Shape, HasWeightDecay) = (name, shape.ToArray(), shape.Length > 1);
        _values = GC.AllocateArray<float>(TensorShape.Length(shape, name), pinned: true);
    }

    /// <summary>The name in checkpoints.</summary>
    public string Name { get; }

    /// <summary>The sizes, outermost first.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>Number of values.</summary>
    public int Length => _values.Length;

    /// <summary>The values, row-major. They may be changed between steps, not between a forward pass and its backward pass.</summary>
    public Span<float> Values => _values;

    /// <summary>The gradient, row-major; zeros until a backward pass adds to it. Optimisers leave a parameter alone whose gradient nobody has asked for since it was zeroed.</summary>
    public Span<float> Gradient => GradientArray;

    /// <summary>Whether backward passes compute its gradient. True by default.</summary>
    public bool IsTrainable { get; set; } = true;

    /// <summary>Whether optimisers with weight decay shrink it. False by default for vectors (biases, norms); true for what has two dimensions or more. A model makes exceptions.</summary>
    public bool HasWeightDecay { get; set; }

    /// <summary>Whether anything may have been added to the gradient since it was zeroed: a part of the model that took no part in the loss has none.</summary>
    internal bool HasGradient { get; private set; }

    /// <summary>The values as memory, for attention options that hold them.</summary>
    internal ReadOnlyMemory<float> ValueMemory => _values;

    internal float[] ValueArray => _values;

    /// <summary>The first value; valid while the parameter is referenced.</summary>
    internal float* ValuePointer => (float*)Unsafe.AsPointer(ref _values[0]);

    /// <summary>The first entry of the gradient; valid while the parameter is referenced.</summary>
    internal float* GradientPointer => (float*)Unsafe.AsPointer(ref GradientArray[0]);

    // Made when first needed, perhaps by several threads at a time.
    private float[] GradientArray
    {
        get
        {
            HasGradient = true;
            return LazyInitializer.EnsureInitialized(ref _gradient, () => GC.AllocateArray<float>(_values.Length, pinned: true));
        }
    }

    /// <summary>Sets the gradient to zero.</summary>
    public void ZeroGradient()
    {
        HasGradient = false;
        _gradient?.AsSpan().Clear();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {TensorShape.Text(Shape)}";
}
