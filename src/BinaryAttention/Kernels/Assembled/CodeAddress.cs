using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

/// <summary>A place in memory that generated code reaches: a register and a constant.</summary>
/// <param name="Register">Holds the address.</param>
/// <param name="Offset">Bytes beyond it.</param>
internal readonly record struct CodeAddress(AssemblerRegister64 Register, int Offset);
