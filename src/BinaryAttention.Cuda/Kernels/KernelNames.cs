// Entry names say what a variant is, so that profiles and messages can be read: "binattn_attention_d128_v64_causal".
namespace BinaryAttention.Cuda.Kernels;

internal static class KernelNames
{
    public static string Of(string kernel, params ReadOnlySpan<string> parts) => "binattn_" + kernel + string.Concat(parts.ToArray().Where(static part => part.Length != 0).Select(static part => "_" + part));

    public static string Of(SignProductForm form) => form switch
    {
        SignProductForm.AndPopcount => string.Empty,
        SignProductForm.XorPopcount => "xor",
        SignProductForm.SignedBytes => "bytes",
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "Expected AndPopcount, XorPopcount or SignedBytes."),
    };

    public static string Of(CudaElement type) => type switch
    {
        CudaElement.Float32 => "f32",
        CudaElement.Float16 => "f16",
        CudaElement.BFloat16 => "bf16",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Expected Float32, Float16 or BFloat16."),
    };
}
