using BinaryAttention.Cuda.Hosting;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention.Cuda;

/// <summary>
/// One-bit attention on one GPU behind the backend interface: operands are sent, computed and received in every call. Without bias and per-token
/// key weights the output has the bits that the CPU gives; with them it is within one 8-bit level of a probability. Safe to use from several threads.
/// </summary>
public sealed class CudaAttentionBackend : IAttentionBackend
{
    private static readonly BinaryAttentionOptions DefaultOptions = new();

    /// <summary>A backend on a device.</summary>
    /// <param name="device">The device; <see cref="CudaDevice.Default"/> if null.</param>
    /// <exception cref="NotSupportedException">The device, or every device, cannot be used; the message has the reason.</exception>
    public CudaAttentionBackend(CudaDevice? device = null)
    {
        Device = device ?? CudaDevice.Default;
        Device.RequireUsable();
    }

    /// <inheritdoc/>
    public string Name => "cuda";

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>Whether a one-bit call can run on the device, asked without running it.</summary>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options; defaults if null.</param>
    /// <returns>The reason with the option's name and a remedy; null if it can.</returns>
    /// <exception cref="ArgumentException">The shape or an option is out of range on any device.</exception>
    public string? WhyNot(in AttentionShape shape, BinaryAttentionOptions? options = null)
    {
        options ??= DefaultOptions;
        (OperandExtent query, OperandExtent key, OperandExtent value, OperandExtent destination) = ShapeChecks.Extents(shape, options.Layout);
        AttentionSpecification call = SpecificationBuilder.Build(ShapeChecks.Match(query, key, value, destination), options, isBinary: true);
        return SpecificationMapper.WhyNot(call, options.Kernel) ?? SpecificationMapper.Map(call, options.Kernel, wantsLogSumExp: false).WhyNot(Device.ComputeCapabilityNumber);
    }

    /// <summary>Refused: exact attention has no CUDA kernel.</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="destination">Would receive the output.</param>
    /// <param name="shape">Sizes and token strides.</param>
    /// <param name="options">Options.</param>
    /// <param name="logSumExp">Would receive the row log-sum-exp.</param>
    /// <param name="cancellationToken">Not used.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    public void ScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("Exact attention has no CUDA kernel. Call BinaryScaledDotProduct, or run exact attention on the CPU (CpuAttentionBackend.Instance).");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Sizes, strides or options do not fit.</exception>
    /// <exception cref="NotSupportedException">An option has no CUDA kernel; the message names it and a remedy. Nothing falls back to the CPU in silence.</exception>
    /// <exception cref="CudaException">A call of the driver failed.</exception>
    public unsafe void BinaryScaledDotProduct(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, BinaryAttentionOptions? options = null, Span<float> logSumExp = default, CancellationToken cancellationToken = default)
    {
        options ??= DefaultOptions;
        (OperandExtent queryExtent, OperandExtent keyExtent, OperandExtent valueExtent, OperandExtent destinationExtent) = ShapeChecks.Extents(shape, options.Layout);
        ShapeChecks.Length(query.Length, queryExtent);
        ShapeChecks.Length(key.Length, keyExtent);
        ShapeChecks.Length(value.Length, valueExtent);
        ShapeChecks.Length(destination.Length, destinationExtent);
        fixed (float* queryData = query, keyData = key, valueData = value, destinationData = destination, logSumExpData = logSumExp)
        {
            var operands = new HostOperands
            {
                Query = queryData, QueryExtent = queryExtent,
                Key = keyData, KeyExtent = keyExtent,
                Value = valueData, ValueExtent = valueExtent,
                Destination = destinationData, DestinationExtent = destinationExtent,
            };
            HostCall.Run(Device, operands, options, logSumExpData, logSumExp.Length, cancellationToken);
        }
    }
}
