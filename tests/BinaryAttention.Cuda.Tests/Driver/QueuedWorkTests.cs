// The fake driver runs work late, and what the package does with host memory survives that.
using System.Buffers;
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed unsafe class QueuedWorkTests
{
    private const float Unpinned = -54321;

    [Fact]
    public void Copies_ReadTheHostWhenTheStreamIsWaitedFor()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var stream = StreamHandle.Create(context);
        using var memory = DeviceMemory.Allocate(context, 4);
        int sent = 1;
        int received = 0;
        using ContextScope scope = context.Enter();
        context.Driver.Check(context.Driver.Table.CopyToDeviceAsync(memory.Address, &sent, 4, stream.Value), "cuMemcpyHtoDAsync_v2");
        context.Driver.Check(context.Driver.Table.CopyToHostAsync(&received, memory.Address, 4, stream.Value), "cuMemcpyDtoHAsync_v2");
        sent = 2;
        Assert.Equal(0, Volatile.Read(ref received));
        stream.Synchronize();
        Assert.Equal(2, Volatile.Read(ref received));
    }

    [Fact]
    public void SynchronousCopies_DoNotWaitForNonBlockingStreams()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var stream = StreamHandle.Create(context);
        using var memory = DeviceMemory.Allocate(context, 4);
        memory.Upload(new byte[4]);
        int received = -1;
        using ContextScope scope = context.Enter();
        context.Driver.Check(context.Driver.Table.FillAsync(memory.Address, 1, 4, stream.Value), "cuMemsetD8Async");
        context.Driver.Check(context.Driver.Table.CopyToHost(&received, memory.Address, 4), "cuMemcpyDtoH_v2");
        Assert.Equal(0, received);
        stream.Synchronize();
        context.Driver.Check(context.Driver.Table.CopyToHost(&received, memory.Address, 4), "cuMemcpyDtoH_v2");
        Assert.Equal(0x01010101, received);
    }

    [Fact]
    public void Freeing_WaitsForTheWork()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var stream = StreamHandle.Create(context);
        int received = 0;
        using (var memory = DeviceMemory.Allocate(context, 4))
        {
            memory.Upload([1, 1, 1, 1]);
            using ContextScope scope = context.Enter();
            context.Driver.Check(context.Driver.Table.CopyToHostAsync(&received, memory.Address, 4, stream.Value), "cuMemcpyDtoHAsync_v2");
        }

        Assert.Equal(0x01010101, Volatile.Read(ref received));
        Assert.Empty(fake.Faults);
    }

    [Fact]
    public void UnreachedEvent_IsNotReady()
    {
        using FakeDriver fake = FakeDriver.Start(Probe.Device);
        using PrimaryContext context = Probe.Context(fake);
        using var stream = StreamHandle.Create(context);
        using var start = EventHandle.Create(context);
        using var end = EventHandle.Create(context);
        start.Record(stream);
        end.Record(stream);
        Assert.Equal(600, Assert.Throws<CudaException>(() => end.MillisecondsSince(start)).Code);
        end.Synchronize();
        Assert.Equal(0, end.MillisecondsSince(start));
    }

    // The bias is poisoned when its pin ends, as another object would do that moves there.
    [Theory]
    [InlineData(null)]
    [InlineData("cuLaunchKernel")]
    [InlineData("cuMemcpyDtoHAsync_v2")]
    public void HostCalls_KeepPinsUntilEverythingIsRead(string? failing)
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        var memory = new WatchedMemory();
        fake.Memory = memory;
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var shape = new AttentionShape(1, 1, 4, 6, 8, 8);
        using var bias = new PinnedBias(6);
        var options = new BinaryAttentionOptions { Bias = AttentionBias.PerKey(bias.Memory, 1, 1, 6) };
        var backend = new CudaAttentionBackend(device);
        if (failing is not null)
        {
            fake.Fail(failing, 999);
            Assert.Throws<CudaException>(() => backend.BinaryScaledDotProduct(new float[32], new float[48], new float[48], new float[32], shape, options));
        }
        else
        {
            backend.BinaryScaledDotProduct(new float[32], new float[48], new float[48], new float[32], shape, options);
        }

        Assert.Equal(1, bias.Unpins);
        Assert.True(memory.Writes >= 4, "the operands were not sent");
        Assert.False(memory.SawUnpinned, "the bias was read behind the end of its pin");
        device.ReleaseRuntime();
        Assert.Empty(fake.Faults);
        Assert.Empty(fake.Alive);
    }

    private sealed class PinnedBias(int length) : MemoryManager<float>
    {
        private readonly float[] _values = GC.AllocateArray<float>(length, pinned: true);

        public int Unpins { get; private set; }

        public override Span<float> GetSpan() => _values;

        public override MemoryHandle Pin(int elementIndex = 0) => new((float*)Marshal.UnsafeAddrOfPinnedArrayElement(_values, elementIndex), default, this);

        public override void Unpin()
        {
            Unpins++;
            Array.Fill(_values, Unpinned);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class WatchedMemory : IFakeMemory
    {
        private readonly HostMemory _memory = new();

        public int Writes { get; private set; }

        public bool SawUnpinned { get; private set; }

        public ulong Allocate(long bytes) => _memory.Allocate(bytes);

        public void Free(ulong address) => _memory.Free(address);

        public void Write(ulong address, ReadOnlySpan<byte> source)
        {
            Writes++;
            SawUnpinned |= MemoryMarshal.Cast<byte, float>(source).Contains(Unpinned);
            _memory.Write(address, source);
        }

        public void Read(ulong address, Span<byte> destination) => _memory.Read(address, destination);

        public void Fill(ulong address, byte value, long bytes) => _memory.Fill(address, value, bytes);
    }
}
