namespace BinaryAttention.Cuda;

/// <summary>A call of the NVIDIA driver failed.</summary>
public sealed class CudaException : Exception
{
    internal CudaException(string call, int code, string name, string text, string remedy, string? log)
        : base(Compose(call, code, name, text, remedy, log))
    {
        (Call, Code, ErrorName, Log) = (call, code, name, log);
    }

    /// <summary>The driver call, such as cuModuleLoadDataEx.</summary>
    public string Call { get; }

    /// <summary>The driver's result code.</summary>
    public int Code { get; }

    /// <summary>The driver's name of the code, such as CUDA_ERROR_OUT_OF_MEMORY.</summary>
    public string ErrorName { get; }

    /// <summary>What the driver's compiler wrote if it was compiling, or what was asked of the call; else null.</summary>
    public string? Log { get; }

    private static string Compose(string call, int code, string name, string text, string remedy, string? log)
    {
        string message = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{call} failed: {name} ({code}), {text}.");
        return $"{message}{(remedy.Length > 0 ? $" {remedy}" : string.Empty)}{(string.IsNullOrEmpty(log) ? string.Empty : $" Log: {log}")}";
    }
}
