namespace BinaryAttention.Cuda.Driver;

/// <summary>The function attributes that are read or set, by their numbers in cuda.h.</summary>
internal static class FunctionAttributes
{
    public const int StaticSharedBytes = 1;

    /// <summary>Local memory per thread: spilled registers and indexed arrays.</summary>
    public const int LocalBytes = 3;
    public const int Registers = 4;
    public const int MaxDynamicSharedBytes = 8;
}
