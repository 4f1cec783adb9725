// PTX compiled by the driver for the context's device. The compiler's two logs are kept: the error log goes into the exception, the other tells registers and spills.
using System.Text;

namespace BinaryAttention.Cuda.Driver;

internal sealed unsafe class CompiledModule : ContextHandle
{
    private const int LogBytes = 16 * 1024;
    private const int InfoLog = 3;
    private const int InfoLogBytes = 4;
    private const int ErrorLog = 5;
    private const int ErrorLogBytes = 6;
    private const int LogVerbose = 12;

    private CompiledModule(PrimaryContext context, nint created, string log)
        : base(context, created)
    {
        Log = log;
    }

    /// <summary>What the compiler said about registers, spills and shared memory; empty when the module came out of the driver's cache.</summary>
    public string Log { get; }

    /// <summary>Compiles PTX text.</summary>
    /// <exception cref="CudaException">The compiler refuses it; the exception has its log.</exception>
    public static CompiledModule Load(PrimaryContext context, string source)
    {
        // Zero-terminated: the driver takes text without a length.
        byte[] text = new byte[Encoding.UTF8.GetByteCount(source) + 1];
        Encoding.UTF8.GetBytes(source, text);
        byte[] information = new byte[LogBytes];
        byte[] errors = new byte[LogBytes];
        int* options = stackalloc int[] { InfoLog, InfoLogBytes, ErrorLog, ErrorLogBytes, LogVerbose };
        void** values = stackalloc void*[5];
        nint created = 0;
        int result;
        using (context.Enter())
        {
            fixed (byte* image = text, informationData = information, errorData = errors)
            {
                // Numbers stand in the pointers themselves; the driver writes the filled lengths back into them.
                values[0] = informationData;
                values[1] = (void*)LogBytes;
                values[2] = errorData;
                values[3] = (void*)LogBytes;
                values[4] = (void*)1;
                result = context.Driver.Table.ModuleLoadData(&created, image, 5, options, values);
            }
        }

        if (result != CudaStatus.Success)
        {
            string log = Text(errors);
            context.Driver.Check(result, "cuModuleLoadDataEx", log.Length > 0 ? log : Text(information));
        }

        return new CompiledModule(context, created, Text(information));
    }

    /// <summary>A function of the module. It is no object of its own and lives as long as the module.</summary>
    public nint Function(string name)
    {
        byte[] text = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, text);
        nint function;
        using (Context.Enter())
        {
            fixed (byte* data = text)
            {
                Driver.Check(Driver.Table.ModuleGetFunction(&function, Value, data), "cuModuleGetFunction", $"entry point \"{name}\"");
            }
        }

        return function;
    }

    protected override int Destroy(DriverTable table, nint created) => table.ModuleUnload(created);

    // Ends at the first zero; a full buffer may lack one.
    private static string Text(byte[] log)
    {
        int end = Array.IndexOf(log, (byte)0);
        return Encoding.UTF8.GetString(log, 0, end < 0 ? log.Length : end).Trim();
    }
}
