// Finds the driver's library on this system. The driver installs it; nothing of the CUDA toolkit is needed.
using System.Runtime.InteropServices;

namespace BinaryAttention.Cuda.Driver;

internal static class DriverLibrary
{
    /// <summary>The library's name here, or null where NVIDIA has no driver.</summary>
    public static string? Name => OperatingSystem.IsWindows() ? "nvcuda.dll" : OperatingSystem.IsLinux() ? "libcuda.so.1" : null;

    /// <summary>Loads the library for the rest of the process.</summary>
    /// <param name="whyNot">The reason if there is none.</param>
    /// <returns>The table of its calls, or null.</returns>
    public static DriverTable? TryLoad(out string? whyNot)
    {
        if (Name is not { } name)
        {
            whyNot = "NVIDIA has no driver for this operating system; Linux and Windows have one";
            return null;
        }

        // On Windows from the system folder alone, where the driver puts it: never a file of that name beside the program.
        bool isLoaded = OperatingSystem.IsWindows()
            ? NativeLibrary.TryLoad(name, typeof(DriverLibrary).Assembly, DllImportSearchPath.System32, out nint library)
            : NativeLibrary.TryLoad(name, out library);
        if (!isLoaded)
        {
            whyNot = $"the NVIDIA driver's library {name} was not found; install the NVIDIA driver (in a container: run it with the GPU made visible, such as --gpus all)";
            return null;
        }

        whyNot = null;
        return new DriverTable(export => NativeLibrary.TryGetExport(library, export, out nint address) ? address : 0);
    }
}
