// One-bit attention over host memory: check, send, run the program's steps, receive. The device's own buffers are reused between calls; a call returns when its output
// is in place.
using System.Buffers;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Kernels;

namespace BinaryAttention.Cuda.Hosting;

internal static unsafe class HostCall
{
    // Sections of the device's memory start on this boundary, which is that of the driver's own allocations.
    private const long Alignment = 256;

    public static void Run(CudaDevice device, in HostOperands operands, BinaryAttentionOptions options, float* logSumExp, int logSumExpLength, CancellationToken cancellationToken)
    {
        AttentionShape shape = operands.CheckedShape();
        operands.CheckLogSumExp(logSumExp, logSumExpLength, shape);
        AttentionSpecification call = SpecificationBuilder.Build(shape, options, isBinary: true);
        var query = new StagedOperand(operands.Query, operands.QueryExtent);
        var key = new StagedOperand(operands.Key, operands.KeyExtent);
        var value = new StagedOperand(operands.Value, operands.ValueExtent);
        var destination = new StagedOperand(operands.Destination, operands.DestinationExtent);
        CudaSpecification specification = SpecificationMapper.Map(call, options.Kernel, logSumExpLength > 0) with
        {
            QueryStrides = query.Strides,
            KeyStrides = key.Strides,
            ValueStrides = value.Strides,
            DestinationStrides = destination.Strides,
        };
        SpecificationMapper.Require(specification, device);
        cancellationToken.ThrowIfCancellationRequested();
        DeviceRuntime runtime = device.Runtime;
        LoadedProgram program = runtime.Program(specification);
        cancellationToken.ThrowIfCancellationRequested();
        CallBuffers buffers = runtime.TakeBuffers();
        try
        {
            Run(runtime.Context, program, buffers, query, key, value, destination, OptionOperands.Of(call), logSumExp, logSumExpLength);
        }
        catch
        {
            // Work may still be under way in these buffers; freeing them waits for it.
            buffers.Dispose();
            throw;
        }

        runtime.GiveBack(buffers);
    }

    private static void Run(PrimaryContext context, LoadedProgram program, CallBuffers buffers, in StagedOperand query, in StagedOperand key, in StagedOperand value, in StagedOperand destination, ReadOnlyMemory<byte>[] options, float* logSumExp, int logSumExpLength)
    {
        long end = 0;
        long queryAt = Place(ref end, query.Bytes);
        long keyAt = Place(ref end, key.Bytes);
        long valueAt = Place(ref end, value.Bytes);
        long destinationAt = Place(ref end, destination.Bytes);
        long logSumExpAt = Place(ref end, logSumExpLength * (long)sizeof(float));
        var optionsAt = new long[options.Length];
        for (int i = 0; i < options.Length; i++)
        {
            optionsAt[i] = Place(ref end, options[i].Length);
        }

        long workspaceAt = Place(ref end, program.WorkspaceBytes);
        ulong memory = buffers.Device(end);
        nint pinned = buffers.Pinned(query.PinnedBytes + key.PinnedBytes + value.PinnedBytes + destination.PinnedBytes);
        nint pinnedKey = pinned + (nint)query.PinnedBytes;
        nint pinnedValue = pinnedKey + (nint)key.PinnedBytes;
        nint pinnedDestination = pinnedValue + (nint)value.PinnedBytes;
        var pointers = new DevicePointers(
            At(memory, queryAt), At(memory, keyAt), At(memory, valueAt), At(memory, destinationAt),
            logSumExpLength > 0 ? At(memory, logSumExpAt) : 0, 0, 0, At(memory, workspaceAt));
        var addresses = new ulong[options.Length];
        var pins = new MemoryHandle[options.Length];
        nint stream = buffers.Stream.Value;
        try
        {
            using ContextScope scope = context.Enter();
            Send(context.Driver, pointers.Query, query.Gather(pinned), query.Bytes, stream);
            Send(context.Driver, pointers.Key, key.Gather(pinnedKey), key.Bytes, stream);
            Send(context.Driver, pointers.Value, value.Gather(pinnedValue), value.Bytes, stream);
            for (int i = 0; i < options.Length; i++)
            {
                if (!options[i].IsEmpty)
                {
                    addresses[i] = At(memory, optionsAt[i]);
                    pins[i] = options[i].Pin();
                    Send(context.Driver, addresses[i], pins[i].Pointer, options[i].Length, stream);
                }
            }

            program.Enqueue(context, OptionOperands.Place(pointers, addresses), stream, Range.All);
            Receive(context.Driver, destination.Receiver(pinnedDestination), pointers.Destination, destination.Bytes, stream);
            if (logSumExpLength > 0)
            {
                Receive(context.Driver, logSumExp, pointers.LogSumExp, logSumExpLength * (long)sizeof(float), stream);
            }

            // Before the pins end: everything that is sent stays where it is until it has been read.
            buffers.Stream.Synchronize();
        }
        catch
        {
            // What was enqueued before the failure may still read or write the caller's memory.
            _ = buffers.Stream.TrySynchronize();
            throw;
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
            {
                pin.Dispose();
            }
        }

        destination.Scatter(pinnedDestination);
    }

    private static long Place(ref long end, long bytes)
    {
        long start = end;
        end += (bytes + Alignment - 1) / Alignment * Alignment;
        return start;
    }

    private static ulong At(ulong memory, long offset) => memory + (ulong)offset;

    private static void Send(CudaDriver driver, ulong destination, void* source, long bytes, nint stream) =>
        driver.Check(driver.Table.CopyToDeviceAsync(destination, source, (nuint)bytes, stream), "cuMemcpyHtoDAsync_v2");

    private static void Receive(CudaDriver driver, void* destination, ulong source, long bytes, nint stream) =>
        driver.Check(driver.Table.CopyToHostAsync(destination, source, (nuint)bytes, stream), "cuMemcpyDtoHAsync_v2");
}
