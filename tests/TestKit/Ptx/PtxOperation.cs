namespace TestKit.Ptx;

/// <summary>A lane-wise instruction: up to three sources, one result, no memory.</summary>
/// <param name="Signature">A letter per operand, the result first: h 16 bits, r 32, d 64, f single, g double, p predicate.</param>
/// <param name="Class">What it counts as.</param>
/// <param name="Compute">Bits in, bits out.</param>
internal sealed record PtxOperation(string Signature, PtxInstructionClass Class, Func<ulong, ulong, ulong, ulong> Compute);
