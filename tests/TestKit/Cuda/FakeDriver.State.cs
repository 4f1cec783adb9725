// What the calls do to the fake's state: handles, contexts, failures, launches.
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace TestKit.Cuda;

public sealed unsafe partial class FakeDriver
{
    private const int InvalidValue = 1;
    private const int OutOfMemory = 2;
    private const int InvalidDevice = 101;
    private const int InvalidContext = 201;
    private const int InvalidHandle = 400;
    private const int NotFound = 500;
    private const int NotReady = 600;
    private const int CaptureUnsupported = 900;

    private readonly ConcurrentQueue<FakeLaunch> _launches = new();

    private static int Enter(string call, bool needsContext, Func<FakeDriver, int> body)
    {
        if (_current is not { } fake)
        {
            return 4; // deinitialised: a handle outlived its fake
        }

        lock (fake._gate)
        {
            fake._calls.Add(call);
            if (fake._failures.TryGetValue(call, out (int After, int Code) failure))
            {
                if (failure.After == 0)
                {
                    fake._failures.Remove(call);
                    return failure.Code;
                }

                fake._failures[call] = (failure.After - 1, failure.Code);
            }

            if (needsContext && fake.PushedContexts == 0)
            {
                fake._faults.Add($"{call} without a current context");
                return InvalidContext;
            }

            try
            {
                return body(fake);
            }
            catch (Exception problem)
            {
                // An exception must not cross the boundary that real code has here; the test looks at the faults.
                fake._faults.Add($"{call}: {problem.GetType().Name}: {problem.Message}");
                return 719;
            }
        }
    }

    private nint Create(FakeHandle handle)
    {
        nint value = (nint)_nextHandle;
        _nextHandle += 0x10;
        _handles.Add(value, handle);
        return value;
    }

    private int Destroy(nint value, string kind, string call)
    {
        if (!_handles.TryGetValue(value, out FakeHandle? handle) || handle.Kind != kind)
        {
            _faults.Add($"{call} of {(handle is null ? "nothing that is alive" : $"a {handle.Kind}")}");
            return InvalidHandle;
        }

        if (kind == "module")
        {
            foreach (nint function in _handles.Where(pair => pair.Value.Module == value).Select(pair => pair.Key).ToArray())
            {
                _handles.Remove(function);
            }
        }

        Free(value, kind);
        _handles.Remove(value);
        return 0;
    }

    private int Allocate(nint* result, long bytes, string kind)
    {
        if (kind == "memory" && _handles.Values.Where(handle => handle.Kind == kind).Sum(handle => handle.Bytes) + bytes > Devices[0].MemoryBytes)
        {
            return OutOfMemory;
        }

        if (_handles.Values.Any(handle => handle.Kind == "stream" && handle.Recording is not null))
        {
            return CaptureUnsupported;
        }

        nint address = kind == "memory" ? (nint)Memory.Allocate(bytes) : (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);
        _handles.Add(address, new FakeHandle(kind) { Bytes = bytes });
        *result = address;
        return 0;
    }

    private void Free(nint address, string kind)
    {
        if (kind is "memory" or "host memory")
        {
            FinishAll();
        }

        if (kind == "memory")
        {
            Memory.Free((ulong)address);
        }
        else if (kind == "host memory")
        {
            NativeMemory.AlignedFree((void*)address);
        }
    }

    private int Copy(ulong device, void* host, nuint bytes, nint stream, bool toDevice)
    {
        if (!IsDeviceMemory(device, (long)bytes))
        {
            _faults.Add(string.Create(CultureInfo.InvariantCulture, $"copy of {bytes} bytes at 0x{device:x} outside device memory"));
            return InvalidValue;
        }

        nint address = (nint)host;
        return Submit(stream, () =>
        {
            var content = new Span<byte>((void*)address, (int)bytes);
            if (toDevice)
            {
                Memory.Write(device, content);
            }
            else
            {
                Memory.Read(device, content);
            }
        });
    }

    private int LoadModule(nint* module, byte* image, uint count, int* options, void** values)
    {
        string source = Marshal.PtrToStringUTF8((nint)image)!;
        if (CompilerError.Length > 0)
        {
            WriteLog(CompilerError, 5, count, options, values);
            return 218;
        }

        WriteLog("ptxas info: fake", 3, count, options, values);
        *module = Create(new FakeHandle("module") { Source = source });
        return 0;
    }

    private static void WriteLog(string text, int option, uint count, int* options, void** values)
    {
        for (int i = 0; i < count; i++)
        {
            if (options[i] == option && options[i + 1] == option + 1)
            {
                int room = (int)(nint)values[i + 1];
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                int length = Math.Min(bytes.Length, room - 1);
                Marshal.Copy(bytes, 0, (nint)values[i], length);
                ((byte*)values[i])[length] = 0;
                values[i + 1] = (void*)length;
            }
        }
    }

    private int FindFunction(nint* function, nint module, byte* name)
    {
        string entryPoint = Marshal.PtrToStringUTF8((nint)name)!;
        if (!_handles.TryGetValue(module, out FakeHandle? handle) || handle.Kind != "module")
        {
            return InvalidHandle;
        }

        if (ParameterBytes(handle.Source, entryPoint) is null)
        {
            return NotFound;
        }

        *function = Create(new FakeHandle("function") { Source = handle.Source, EntryPoint = entryPoint, Module = module });
        return 0;
    }

    private int Launch(nint function, (uint X, uint Y, uint Z) grid, uint threads, uint sharedBytes, nint stream, void** parameters)
    {
        if (!_handles.TryGetValue(function, out FakeHandle? handle) || handle.Kind != "function")
        {
            _faults.Add("cuLaunchKernel of a function whose module is unloaded");
            return InvalidHandle;
        }

        if (grid.X == 0 || grid.Y is 0 or > 65_535 || grid.Z is 0 or > 65_535 || threads is 0 or > 1024 || sharedBytes > handle.DynamicSharedLimit)
        {
            return InvalidValue;
        }

        int[] sizes = ParameterBytes(handle.Source, handle.EntryPoint)!;
        var arguments = new ulong[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            arguments[i] = sizes[i] switch
            {
                8 => *(ulong*)parameters[i],
                4 => *(uint*)parameters[i],
                2 => *(ushort*)parameters[i],
                _ => *(byte*)parameters[i],
            };
        }

        var launch = new FakeLaunch(handle.Source, handle.EntryPoint, grid, (int)threads, (int)sharedBytes, stream, arguments);
        return Submit(stream, launch, () =>
        {
            _clockMilliseconds += MillisecondsPerLaunch;
            OnLaunch?.Invoke(launch);
        });
    }

    // Sizes of an entry's parameters as its declaration gives them, or null if there is no such entry.
    private static int[]? ParameterBytes(string source, string entryPoint)
    {
        Match entry = Regex.Match(source, $@"\.entry\s+{Regex.Escape(entryPoint)}\s*\((?<parameters>[^)]*)\)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
        return entry.Success
            ? [.. Regex.Matches(entry.Groups["parameters"].Value, @"\.param\s+(\.align\s+\d+\s+)?\.[a-z](?<bits>\d+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(match => int.Parse(match.Groups["bits"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) / 8)]
            : null;
    }

    private nint Text(int code, string text)
    {
        int key = (code * 2) + (text.StartsWith("CUDA", StringComparison.Ordinal) ? 0 : 1);
        if (!_texts.TryGetValue(key, out nint address))
        {
            address = Marshal.StringToCoTaskMemUTF8(text);
            _texts.Add(key, address);
        }

        return address;
    }

    private Stack<nint> ContextStack() => _contexts.GetOrAdd(Environment.CurrentManagedThreadId, _ => new Stack<nint>());
}
