// The NVIDIA driver as far as the package can tell, without a GPU: the same table of function pointers over host memory. It keeps what a real driver leaves to the caller's
// care: every handle is freed once and with its kind's call, a context is current wherever one must be, pushes and pops balance, launches carry the parameters that the
// PTX declares, a stream under capture neither allocates nor waits, and work runs no earlier than somebody waits for it. Any call can be told to fail. One fake at a time; a second waits for the first to be disposed.
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Driver;

namespace TestKit.Cuda;

/// <summary>A driver for tests.</summary>
public sealed unsafe partial class FakeDriver : IDisposable
{
    private static readonly SemaphoreSlim OneAtATime = new(1);
    private static FakeDriver? _current;
    private static int _generations;

    // Devices and contexts of one fake are numbers that no other fake uses: a finalizer of an earlier test's object changes nothing here.
    private readonly int _firstNumber = 0x100 * Interlocked.Increment(ref _generations);

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<int, Stack<nint>> _contexts = new();
    private readonly Dictionary<nint, FakeHandle> _handles = [];
    private readonly Dictionary<string, (int After, int Code)> _failures = new(StringComparer.Ordinal);
    private readonly HashSet<string> _absent = new(StringComparer.Ordinal);
    private readonly List<string> _calls = [];
    private readonly List<string> _faults = [];
    private readonly Dictionary<int, nint> _texts = [];
    private long _nextHandle;
    private int _retained;
    private double _clockMilliseconds;

    private FakeDriver(IReadOnlyList<FakeDevice> devices)
    {
        Devices = devices;
        _nextHandle = 0x10000L * _firstNumber;
    }

    /// <summary>The devices it shows.</summary>
    public IReadOnlyList<FakeDevice> Devices { get; }

    /// <summary>The CUDA version it claims, 1000 times major plus 10 times minor.</summary>
    public int Version { get; set; } = 12_040;

    /// <summary>What the compiler writes to its error log when a module is refused.</summary>
    public string CompilerError { get; set; } = string.Empty;

    /// <summary>What stands for device memory; set before anything is allocated.</summary>
    public IFakeMemory Memory { get; set; } = new HostMemory();

    /// <summary>Runs a launch on the fake memory, when its stream is waited for; nothing happens if null.</summary>
    public Action<FakeLaunch>? OnLaunch { get; set; }

    /// <summary>Milliseconds that an event pair measures for each launch between them.</summary>
    public double MillisecondsPerLaunch { get; set; } = 0.5;

    /// <summary>The names of all calls so far, in order.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>All launches enqueued so far, those of replayed graphs included.</summary>
    public IReadOnlyList<FakeLaunch> Launches => [.. _launches];

    /// <summary>Misuse that a real driver might not survive; a test ends with none.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_gate)
            {
                return [.. _faults];
            }
        }
    }

    /// <summary>Kinds of handles that are still alive, such as "module".</summary>
    public IReadOnlyList<string> Alive
    {
        get
        {
            lock (_gate)
            {
                return [.. _handles.Values.Select(handle => handle.Kind).Where(kind => kind != "function").Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Primary contexts retained and not released.</summary>
    public int RetainedContexts => _retained;

    /// <summary>Contexts pushed on this thread and not popped.</summary>
    public int PushedContexts => _contexts.TryGetValue(Environment.CurrentManagedThreadId, out Stack<nint>? stack) ? stack.Count : 0;

    /// <summary>A driver that shows some devices.</summary>
    public static FakeDriver Start(params IReadOnlyList<FakeDevice> devices)
    {
        OneAtATime.Wait();
        _current = new FakeDriver(devices);
        return _current;
    }

    /// <summary>Makes a call fail once.</summary>
    /// <param name="call">Its exported name.</param>
    /// <param name="code">The result.</param>
    /// <param name="after">Calls of that name that still succeed.</param>
    public void Fail(string call, int code, int after = 0)
    {
        lock (_gate)
        {
            _failures[call] = (after, code);
        }
    }

    /// <summary>Takes an export away, as in an old driver.</summary>
    public void Remove(string call) => _absent.Add(call);

    /// <summary>Resolves an export.</summary>
    internal nint Resolve(string call) => _absent.Contains(call) ? 0 : Exports.GetValueOrDefault(call);

    /// <summary>The table that the package's code calls.</summary>
    internal DriverTable Table() => new(Resolve);

    /// <summary>Whether an address range lies in one live piece of device memory.</summary>
    public bool IsDeviceMemory(ulong address, long bytes)
    {
        lock (_gate)
        {
            return _handles.Any(pair => pair.Value.Kind is "memory" && (ulong)pair.Key <= address && address + (ulong)bytes <= (ulong)pair.Key + (ulong)pair.Value.Bytes);
        }
    }

    /// <summary>The live piece of device memory that holds an address.</summary>
    /// <param name="address">Any address inside it.</param>
    /// <returns>Its start and length; a length of 0 if there is none.</returns>
    public (ulong Start, long Bytes) PieceOf(ulong address)
    {
        lock (_gate)
        {
            foreach ((nint start, FakeHandle handle) in _handles)
            {
                if (handle.Kind is "memory" && (ulong)start <= address && address < (ulong)start + (ulong)handle.Bytes)
                {
                    return ((ulong)start, handle.Bytes);
                }
            }

            return default;
        }
    }

    /// <summary>Ends the fake: frees what is left and lets the next one start.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach ((nint address, FakeHandle handle) in _handles)
            {
                Free(address, handle.Kind);
            }

            foreach (nint text in _texts.Values)
            {
                Marshal.FreeCoTaskMem(text);
            }

            _handles.Clear();
            _texts.Clear();
        }

        _current = null;
        OneAtATime.Release();
    }

    /// <summary>Something that the fake handed out.</summary>
    private sealed class FakeHandle(string kind)
    {
        public string Kind { get; } = kind;

        public long Bytes { get; init; }

        public string Source { get; init; } = string.Empty;

        public string EntryPoint { get; init; } = string.Empty;

        public nint Module { get; init; }

        public int DynamicSharedLimit { get; set; } = 48 * 1024;

        public List<(FakeLaunch? Launch, Action Work)>? Recording { get; set; }

        /// <summary>A stream that does not wait for the default stream.</summary>
        public bool IsNonBlocking { get; init; }

        /// <summary>The stream in which an event was recorded last.</summary>
        public nint RecordedOn { get; set; }

        public double TimeMilliseconds { get; set; } = double.NaN;
    }
}
