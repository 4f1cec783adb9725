// Memory that holds machine code. Pages are never writable and executable at once: on Unix the bytes are written while the pages are read-write and sealed read-execute afterwards;
// where that change is refused (hardened systems), one anonymous file is mapped twice, the writable view is dropped before the executable one is used. On Windows VirtualAlloc and
// VirtualProtect do the same. Code lives as long as the process: kernels are cached and a running call must not lose its code.
using System.Runtime.InteropServices;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe partial class ExecutableMemory
{
    private const int ReadWrite = 1 | 2;
    private const int ReadExecute = 1 | 4;
    private const int Private = 2;
    private const int Shared = 1;
    private const int AnonymousLinux = 0x20;
    private const uint CloseOnExec = 1;
    private const uint WindowsCommitReserve = 0x3000;
    private const uint WindowsReadWrite = 0x04;
    private const uint WindowsExecuteRead = 0x20;
    private const uint WindowsRelease = 0x8000;

    private static readonly Lazy<string?> s_whyNot = new(static () => Probe(Seal));
    private static long s_sealedBytes;

    /// <summary>Bytes of all pages that hold code by now; they are never given back.</summary>
    public static long SealedBytes => Interlocked.Read(ref s_sealedBytes);

    /// <summary>A way to turn bytes into code.</summary>
    internal delegate void* Sealer(ReadOnlySpan<byte> code);

    /// <summary>Why this system gives no executable memory, or null.</summary>
    public static string? WhyNot => s_whyNot.Value;

    /// <summary>Copies code into fresh pages and seals them.</summary>
    /// <param name="code">The machine code.</param>
    /// <exception cref="InvalidOperationException">The system forbids executable memory.</exception>
    public static void* Seal(ReadOnlySpan<byte> code)
    {
        void* memory = OperatingSystem.IsWindows() ? SealWindows(code)
            : OperatingSystem.IsLinux() ? SealLinux(code)
            : null;
        if (memory is null)
        {
            throw new InvalidOperationException("The system refused memory for generated code. Use another kernel, or allow the process executable memory.");
        }

        _ = Interlocked.Add(ref s_sealedBytes, (long)Pages(code.Length));
        return memory;
    }

    /// <summary>Why a way to make code fails, or null.</summary>
    internal static string? Probe(Sealer seal)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        {
            return "generated code is supported on Linux and Windows alone";
        }

        try
        {
            // A lone return instruction, never called.
            ReadOnlySpan<byte> probe = [0xC3];
            _ = seal(probe);
            return null;
        }
        catch (InvalidOperationException)
        {
            return "the system forbids executable memory";
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return $"the system's memory functions were not found ({exception.GetType().Name})";
        }
    }

    private static void* SealLinux(ReadOnlySpan<byte> code)
    {
        nuint length = Pages(code.Length);
        nint memory = Map(0, length, ReadWrite, Private | AnonymousLinux, -1, 0);
        if (memory == -1)
        {
            return null;
        }

        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (Protect(memory, length, ReadExecute) == 0)
        {
            return (void*)memory;
        }

        _ = Unmap(memory, length);
        return SealByTwoMappings(code);
    }

    /// <summary>Copies code into an anonymous file through one view and gives another one of it; null where the system refuses.</summary>
    internal static void* SealByTwoMappings(ReadOnlySpan<byte> code)
    {
        nuint length = Pages(code.Length);
        int file = CreateMemoryFile("binaryattention-code", CloseOnExec);
        if (file < 0)
        {
            return null;
        }

        try
        {
            if (Truncate(file, (nint)length) != 0)
            {
                return null;
            }

            nint writable = Map(0, length, ReadWrite, Shared, file, 0);
            if (writable == -1)
            {
                return null;
            }

            code.CopyTo(new Span<byte>((void*)writable, code.Length));
            _ = Unmap(writable, length);
            nint executable = Map(0, length, ReadExecute, Shared, file, 0);
            return executable == -1 ? null : (void*)executable;
        }
        finally
        {
            _ = Close(file);
        }
    }

    private static void* SealWindows(ReadOnlySpan<byte> code)
    {
        nuint length = Pages(code.Length);
        void* memory = VirtualAlloc(null, length, WindowsCommitReserve, WindowsReadWrite);
        if (memory is null)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(memory, code.Length));
        if (VirtualProtect(memory, length, WindowsExecuteRead, out _) != 0)
        {
            return memory;
        }

        _ = VirtualFree(memory, 0, WindowsRelease);
        return null;
    }

    private static nuint Pages(int bytes)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        return ((nuint)bytes + page - 1) / page * page;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Truncate(int file, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int file);

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualProtect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint oldProtection);

    [LibraryImport("kernel32", EntryPoint = "VirtualFree")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int VirtualFree(void* address, nuint size, uint type);
}
