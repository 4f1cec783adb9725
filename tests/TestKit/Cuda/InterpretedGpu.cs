// A GPU for the fake driver: its memory and its kernels are those of the PTX interpreter, so that host code runs end to end on the text that a real driver would compile.
using TestKit.Ptx;

namespace TestKit.Cuda;

/// <summary>The interpreter behind a <see cref="FakeDriver"/>.</summary>
public sealed class InterpretedGpu : IFakeMemory
{
    private readonly PtxGlobalMemory _memory = new();
    private readonly Dictionary<ulong, PtxGlobalBuffer> _pieces = [];
    private readonly Dictionary<string, PtxKernel> _kernels = new(StringComparer.Ordinal);

    private readonly int _computeCapability;

    private InterpretedGpu(FakeDevice device) => _computeCapability = (10 * device.Major) + device.Minor;

    /// <summary>A driver whose devices run what is launched on them.</summary>
    /// <param name="devices">The devices it shows; each runs what the first one can.</param>
    public static FakeDriver Start(params IReadOnlyList<FakeDevice> devices)
    {
        var gpu = new InterpretedGpu(devices[0]);
        FakeDriver driver = FakeDriver.Start(devices);
        driver.Memory = gpu;
        driver.OnLaunch = gpu.Run;
        return driver;
    }

    /// <inheritdoc/>
    public ulong Allocate(long bytes)
    {
        PtxGlobalBuffer piece = _memory.Output("device memory", bytes);
        _pieces.Add(piece.Address, piece);
        return piece.Address;
    }

    /// <inheritdoc/>
    public void Free(ulong address)
    {
        if (_pieces.Remove(address, out PtxGlobalBuffer? piece))
        {
            _memory.Remove(piece);
        }
    }

    /// <inheritdoc/>
    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        PtxGlobalBuffer piece = Find(address);
        piece.HostWrite((int)(address - piece.Address), source);
    }

    /// <inheritdoc/>
    public void Read(ulong address, Span<byte> destination)
    {
        PtxGlobalBuffer piece = Find(address);
        piece.Data.AsSpan((int)(address - piece.Address), destination.Length).CopyTo(destination);
    }

    /// <summary>Sets bytes that still count as never written: tests poison with it.</summary>
    /// <param name="address">Any place within a piece.</param>
    /// <param name="value">The value.</param>
    /// <param name="bytes">How many.</param>
    public void Fill(ulong address, byte value, long bytes)
    {
        PtxGlobalBuffer piece = Find(address);
        piece.Data.AsSpan((int)(address - piece.Address), (int)bytes).Fill(value);
    }

    private void Run(FakeLaunch launch)
    {
        if (!_kernels.TryGetValue(launch.Source, out PtxKernel? kernel))
        {
            kernel = PtxParser.Parse(launch.Source);
            if (kernel.WhyNot(_computeCapability) is { } reason)
            {
                throw new PtxFaultException($"{reason}.");
            }

            _kernels.Add(launch.Source, kernel);
        }

        if (kernel.Threads != launch.ThreadsPerBlock || kernel.Name != launch.EntryPoint)
        {
            throw new PtxFaultException($"{launch.EntryPoint} is launched with {launch.ThreadsPerBlock} threads; the text declares {kernel.Name} with {kernel.Threads}.");
        }

        PtxInterpreter.Run(kernel, launch.Grid, [.. launch.Arguments.Zip(kernel.ParameterBytes)], launch.DynamicSharedBytes, _memory);
    }

    private PtxGlobalBuffer Find(ulong address) =>
        _pieces.Values.FirstOrDefault(piece => piece.Address <= address && address < piece.Address + (ulong)Math.Max(piece.Data.Length, 1))
        ?? throw new PtxFaultException($"0x{address:x} lies in no live piece of device memory.");
}
