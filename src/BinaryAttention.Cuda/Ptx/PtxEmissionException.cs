namespace BinaryAttention.Cuda.Ptx;

/// <summary>Emitted code breaks a rule of the emitter: a fault of this library, found before any driver sees the text.</summary>
/// <param name="message">What is wrong, in which kernel and instruction.</param>
internal sealed class PtxEmissionException(string message) : InvalidOperationException(message);
