// One implementation of attention. Every kernel answers for itself whether it can run: with null for yes, else with the reason.
using BinaryAttention.Kernels.Backward;

namespace BinaryAttention.Kernels;

internal interface IAttentionKernel
{
    string Name { get; }

    string Description { get; }

    /// <summary>Why this machine cannot run the kernel at all, or null.</summary>
    string? WhyNot(CpuFeatures cpu);

    /// <summary>Why the kernel cannot run this call, or null.</summary>
    string? WhyNot(AttentionSpecification specification);

    /// <summary>Takes the workspace for calls of this specification.</summary>
    KernelRun Create(AttentionSpecification specification);

    /// <summary>Why the kernel cannot compute the gradients of this call, or null.</summary>
    string? WhyNotBackward(AttentionSpecification specification) => "it has no backward pass";

    /// <summary>Computes the gradients of a call.</summary>
    void Backward(AttentionSpecification specification, BackwardCall call, CancellationToken cancellationToken) => throw new NotSupportedException($"Kernel \"{Name}\" has no backward pass.");
}
