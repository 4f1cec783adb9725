// Pages between two inaccessible ones: a read or write beyond them stops the process instead of passing unseen. A fault cannot be caught in .NET, so tests use this in a child process.
using System.Runtime.InteropServices;

namespace TestKit;

/// <summary>Bytes between two guard pages.</summary>
internal sealed unsafe partial class GuardedPages : IDisposable
{
    private const int ProtectionNone = 0;
    private const int ProtectionReadWrite = 3; // PROT_READ | PROT_WRITE
    private const int MapPrivate = 2;
    private const uint WindowsReserveCommit = 0x3000;
    private const uint WindowsRelease = 0x8000;
    private const uint WindowsNoAccess = 1;
    private const uint WindowsReadWrite = 4;

    private readonly nint _base;
    private readonly nuint _bytes;

    /// <summary>Takes whole pages for the bytes and one guard page on either side.</summary>
    /// <param name="bytes">Bytes wanted.</param>
    /// <param name="side">Where they touch a guard page.</param>
    public GuardedPages(long bytes, GuardSide side)
    {
        int page = Environment.SystemPageSize;
        nint pages = (nint)((bytes + page - 1) / page * page);
        _bytes = (nuint)(pages + (2 * page));
        _base = Map(_bytes);
        Protect(_base, (nuint)page);
        Protect(_base + page + pages, (nuint)page);
        Data = (byte*)(_base + page + (side == GuardSide.Before ? 0 : pages - (nint)bytes));
    }

    /// <summary>The first byte.</summary>
    public byte* Data { get; }

    /// <summary>Gives the pages back.</summary>
    public void Dispose()
    {
        if (OperatingSystem.IsWindows())
        {
            VirtualFree(_base, 0, WindowsRelease);
        }
        else
        {
            Unmap(_base, _bytes);
        }
    }

    private static nint Map(nuint bytes)
    {
        if (OperatingSystem.IsWindows())
        {
            nint reserved = VirtualAlloc(0, bytes, WindowsReserveCommit, WindowsReadWrite);
            return reserved != 0 ? reserved : throw new InvalidOperationException($"VirtualAlloc of {bytes} bytes failed with error {Marshal.GetLastPInvokeError()}.");
        }

        int mapAnonymous = OperatingSystem.IsMacOS() ? 0x1000 : 0x20;
        nint address = Map(0, bytes, ProtectionReadWrite, MapPrivate | mapAnonymous, -1, 0);
        return address != -1 ? address : throw new InvalidOperationException($"mmap of {bytes} bytes failed with error {Marshal.GetLastPInvokeError()}.");
    }

    private static void Protect(nint address, nuint bytes)
    {
        bool done = OperatingSystem.IsWindows() ? VirtualProtect(address, bytes, WindowsNoAccess, out _) : Protect(address, bytes, ProtectionNone) == 0;
        if (!done)
        {
            throw new InvalidOperationException($"Protecting a guard page failed with error {Marshal.GetLastPInvokeError()}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint VirtualAlloc(nint address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualProtect(nint address, nuint bytes, uint protection, out uint oldProtection);

    [LibraryImport("kernel32", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint bytes, uint type);
}
