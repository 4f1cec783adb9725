// A buffer flush against an inaccessible page: a read or write one element too far stops the process instead of passing unseen.
// Both sides are guarded; the chosen side without a gap, the other one up to a page away. A fault cannot be caught in .NET, so tests use this in a child process.
using System.Runtime.InteropServices;

namespace TestKit;

/// <summary>Floats between two guard pages.</summary>
public sealed unsafe partial class GuardedMemory : IDisposable
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

    /// <summary>Takes whole pages for the elements and one guard page on either side.</summary>
    /// <param name="length">Elements.</param>
    /// <param name="side">Where the buffer touches its guard page.</param>
    public GuardedMemory(int length, GuardSide side)
    {
        Length = length;
        int page = Environment.SystemPageSize;
        nint dataBytes = (nint)length * sizeof(float);
        nint pages = (dataBytes + page - 1) / page * page;
        _bytes = (nuint)(pages + (2 * page));
        _base = Map(_bytes);
        Protect(_base, (nuint)page);
        Protect(_base + page + pages, (nuint)page);
        Data = (float*)(_base + page + (side == GuardSide.Before ? 0 : pages - dataBytes));
    }

    /// <summary>Elements.</summary>
    public int Length { get; }

    /// <summary>The first element.</summary>
    public float* Data { get; }

    /// <summary>All elements.</summary>
    public Span<float> Span => new(Data, Length);

    /// <summary>A copy of some values flush against a guard page.</summary>
    public static GuardedMemory Copy(ReadOnlySpan<float> values, GuardSide side)
    {
        var memory = new GuardedMemory(values.Length, side);
        values.CopyTo(memory.Span);
        return memory;
    }

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
