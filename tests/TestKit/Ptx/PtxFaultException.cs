namespace TestKit.Ptx;

/// <summary>Emitted text that the interpreter refuses, or a run that breaks a rule of the machine.</summary>
/// <param name="message">What, where and which lane.</param>
public sealed class PtxFaultException(string message) : Exception(message);
