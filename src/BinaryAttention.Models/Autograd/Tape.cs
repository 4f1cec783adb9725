// Reverse-mode differentiation: operations append themselves while the forward pass runs; the backward pass takes them off in reverse order, each turning the gradient of its output into those of
// its inputs, and gives memory back on the way. Sums of gradients are taken in that fixed order, so that bits do not depend on the number of threads.
using System.Diagnostics;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd;

/// <summary>
/// One forward and backward pass. Operations (extension methods of <see cref="Variable"/>) record themselves on it; <see cref="Backward"/> adds the gradients of a scalar loss to
/// <see cref="Parameter.Gradient"/>. For one thread at a time; each operation uses the workspace's threads.
/// </summary>
public sealed class Tape : IDisposable
{
    private readonly List<(Variable Output, Action Backward)> _nodes = [];
    private readonly List<Variable> _variables = [];
    private readonly Stack<string> _scopes = new();
    private bool _isDisposed;

    /// <summary>Starts a pass with memory and threads of its own; give a workspace to loops.</summary>
    public Tape()
        : this(new Workspace())
    {
    }

    /// <summary>Starts a pass.</summary>
    /// <param name="workspace">Memory and threads.</param>
    /// <exception cref="InvalidOperationException">Another tape of the workspace is not disposed yet.</exception>
    public Tape(Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        if (workspace.IsTaken)
        {
            throw new InvalidOperationException("Another tape uses the workspace. Dispose it first, or take a second workspace.");
        }

        workspace.IsTaken = true;
        workspace.Generation++;
        Workspace = workspace;
    }

    /// <summary>Memory and threads.</summary>
    public Workspace Workspace { get; }

    /// <summary>Whether operations record themselves.</summary>
    public bool IsRecording { get; private set; } = true;

    internal RowLoop Loop => Workspace.Loop;

    /// <summary>A tensor that needs no gradient: images, targets.</summary>
    /// <param name="values">Row-major, copied.</param>
    /// <param name="name">For messages.</param>
    /// <param name="shape">The sizes.</param>
    /// <exception cref="ArgumentException">The length does not fit the shape.</exception>
    public Variable Constant(ReadOnlySpan<float> values, string name, params ReadOnlySpan<int> shape)
    {
        Variable variable = Create(name, shape);
        if (variable.Length != values.Length)
        {
            throw new ArgumentException($"{name} has {values.Length} values; shape {TensorShape.Text(variable.Shape)} needs {variable.Length}.", nameof(values));
        }

        values.CopyTo(variable.Buffer.Span);
        return variable;
    }

    /// <summary>A tensor whose gradient is wanted although no parameter stands behind it.</summary>
    /// <param name="values">Row-major, copied.</param>
    /// <param name="name">For messages.</param>
    /// <param name="shape">The sizes.</param>
    /// <exception cref="ArgumentException">The length does not fit the shape.</exception>
    public Variable Leaf(ReadOnlySpan<float> values, string name, params ReadOnlySpan<int> shape)
    {
        Variable variable = Constant(values, name, shape);
        (variable.RequiresGradient, variable.IsRetained) = (true, true);
        return variable;
    }

    /// <summary>Stops recording until the result is disposed: evaluation, teachers.</summary>
    public IDisposable WithoutGradients()
    {
        bool before = IsRecording;
        IsRecording = false;
        return new Restore(() => IsRecording = before);
    }

    /// <summary>Names what happens until the result is disposed, for messages: <c>using (tape.Scope("blocks.3"))</c>.</summary>
    /// <param name="name">The layer.</param>
    public IDisposable Scope(string name)
    {
        _scopes.Push(_scopes.TryPeek(out string? outer) ? $"{outer}.{name}" : name);
        return new Restore(() => _scopes.Pop());
    }

    /// <summary>
    /// Runs a part of the network without keeping what is inside: the backward pass computes it again. Costs one more forward pass of that part and saves its memory. The part must compute the
    /// same both times, so random decisions come from <see cref="Training.Randomness"/>.
    /// </summary>
    /// <param name="input">What goes in.</param>
    /// <param name="block">The part; it may use parameters and constants beside its input, no other variables that need gradients.</param>
    public Variable Checkpoint(Variable input, Func<Variable, Variable> block)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(block);
        string? scope = _scopes.TryPeek(out string? name) ? name : null;
        bool recording = IsRecording;
        IsRecording = false;
        Variable output = Region(input, block);
        IsRecording = recording;
        if (recording)
        {
            output.RequiresGradient = true;
            _nodes.Add((output, () => Again(input, block, output, scope)));
        }

        return output;
    }

    /// <summary>Runs a part of the network and gives back all its memory but the output's and that of retained variables, if nothing is recorded anyway.</summary>
    internal Variable Region(Variable input, Func<Variable, Variable> block)
    {
        int first = _variables.Count;
        Variable output = block(input);
        if (!IsRecording)
        {
            ReleaseSince(first, output, alsoRetained: false);
        }

        return output;
    }

    /// <summary>Adds the gradients of a loss to those of the parameters. The memory of variables that are not retained is given back on the way, so a tape goes backward once.</summary>
    /// <param name="loss">A scalar.</param>
    /// <exception cref="NonFiniteException">The loss is NaN or infinite; the message names the first layer whose output was. No gradient was changed.</exception>
    /// <exception cref="ArgumentException">The loss is no scalar, belongs to another tape or depends on nothing trainable.</exception>
    public void Backward(Variable loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Tape != this || loss.Length != 1 || !loss.RequiresGradient)
        {
            throw new ArgumentException($"{loss.Name} of shape {TensorShape.Text(loss.Shape)} cannot start a backward pass: a scalar of this tape that depends on a trainable parameter is expected. Check that it was computed while the tape recorded.", nameof(loss));
        }

        if (!float.IsFinite(loss.Item))
        {
            string layer = FindNonFinite() ?? loss.Name;
            throw new NonFiniteException(layer, $"The loss is {loss.Item}; the first output that is not finite is that of {layer}. Lower the learning rate, clip gradients, or go back to the last checkpoint.");
        }

        PooledBuffer one = Rent(1);
        one.Span[0] = 1;
        loss.IsRetained = true;
        loss.Adopt(one);
        RunDownTo(0);
    }

    /// <summary>The name of the first variable, in the order of computation, that holds a NaN or an infinity; null if all in memory are finite.</summary>
    public string? FindNonFinite() =>
        _variables.Find(static variable => variable.HasValues && variable.Values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))?.Name;

    /// <summary>Gives all memory back to the workspace.</summary>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _nodes.Clear();
            ReleaseSince(0, kept: null, alsoRetained: true);
            Workspace.IsTaken = false;
        }
    }

    internal PooledBuffer Rent(int length) => Workspace.Buffers.Rent(length);

    internal void Return(PooledBuffer buffer) => Workspace.Buffers.Return(buffer);

    /// <summary>A variable with undefined values.</summary>
    internal Variable Create(string name, params ReadOnlySpan<int> shape)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return Add(new Variable(this, name, shape.ToArray(), Rent(TensorShape.Length(shape, name))));
    }

    /// <summary>A variable that shares another one's values in another shape.</summary>
    internal Variable View(Variable source, string name, params ReadOnlySpan<int> shape)
    {
        source.Buffer.Shares++;
        return Add(new Variable(this, name, shape.ToArray(), source.Buffer));
    }

    /// <summary>The name of an operation in the current scope.</summary>
    internal string Named(string operation) => _scopes.TryPeek(out string? scope) ? $"{scope}.{operation}" : operation;

    /// <summary>Records an operation, if its output depends on anything that needs a gradient.</summary>
    /// <param name="output">What was computed.</param>
    /// <param name="needed">Whether an input or a parameter needs a gradient.</param>
    /// <param name="backward">Turns the output's gradient into the inputs'.</param>
    internal Variable Record(Variable output, bool needed, Action backward)
    {
        if (IsRecording && needed)
        {
            output.RequiresGradient = true;
            _nodes.Add((output, backward));
        }

        return output;
    }

    private Variable Add(Variable variable)
    {
        _variables.Add(variable);
        return variable;
    }

    private void Again(Variable input, Func<Variable, Variable> block, Variable output, string? scope)
    {
        int firstNode = _nodes.Count, firstVariable = _variables.Count;
        Variable inner = View(input, input.Name, [.. input.Shape]);
        (inner.RequiresGradient, inner.IsRetained) = (input.RequiresGradient, true);
        using (scope is null ? null : Scope(scope))
        {
            Variable again = block(inner);
            if (again.RequiresGradient)
            {
                output.GradientBuffer.Shares++;
                again.Adopt(output.GradientBuffer);
            }
        }

        RunDownTo(firstNode);
        if (inner.HasGradient)
        {
            inner.GradientBuffer.Shares++;
            input.Adopt(inner.GradientBuffer);
        }

        ReleaseSince(firstVariable, kept: null, alsoRetained: true);
    }

    private void RunDownTo(int count)
    {
        while (_nodes.Count > count)
        {
            (Variable output, Action backward) = _nodes[^1];
            _nodes.RemoveAt(_nodes.Count - 1);
            if (output.HasGradient)
            {
                long start = Stopwatch.GetTimestamp();
                backward();
                Workspace.Times?.Add(output.Name, Stopwatch.GetTimestamp() - start);
            }

            output.Release(alsoRetained: false);
        }
    }

    private void ReleaseSince(int first, Variable? kept, bool alsoRetained)
    {
        List<Variable> left = [];
        for (int i = first; i < _variables.Count; i++)
        {
            Variable variable = _variables[i];
            if (variable == kept || (variable.IsRetained && !alsoRetained))
            {
                left.Add(variable);
            }
            else
            {
                variable.Release(alsoRetained: true);
            }
        }

        _variables.RemoveRange(first, _variables.Count - first);
        _variables.AddRange(left);
    }

    private sealed class Restore(Action action) : IDisposable
    {
        private Action? _action = action;

        public void Dispose()
        {
            _action?.Invoke();
            _action = null;
        }
    }
}
