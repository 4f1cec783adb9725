// The device-memory API on the fake driver with the interpreter as its GPU.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Driver;
using BinaryAttention.Cuda.Hosting;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Host;

public sealed class PlanTests
{
    private static readonly AttentionShape Shape = new(1, 2, 9, 12, 64, 32);

    // What a call may use: nothing that allocates, copies or waits.
    private static readonly string[] AllowedCalls = ["cuCtxPushCurrent_v2", "cuLaunchKernel", "cuCtxPopCurrent_v2"];

    [Fact]
    public void Call_OnlyLaunches_AndGivesTheCpusBits()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 9, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 5);
        (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions(), wantsLogSumExp: false);
        using (var plan = CudaAttentionPlan.Create(device, Shape))
        {
            using var memory = new Pieces(device.Runtime.Context);
            CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
            using var stream = StreamHandle.Create(device.Runtime.Context);
            int before = fake.Calls.Count;
            plan.Enqueue(pointers, new CudaStream(stream.Value));
            string[] during = [.. fake.Calls.Skip(before)];
            stream.Synchronize();
            Assert.All(during, call => Assert.Contains(call, AllowedCalls, StringComparer.Ordinal));
            Assert.All(fake.Launches, launch => Assert.Equal(stream.Value, launch.Stream));
            Assert.Equal(plan.Kernels.Select(kernel => kernel.EntryPoint), fake.Launches.Select(launch => launch.EntryPoint), StringComparer.Ordinal);
            Operands.AssertSameBits(expected, memory.Download(pointers.Destination, operands.OutputLength));
        }

        device.ReleaseRuntime();
        Assert.Empty(fake.Faults);
        Assert.Empty(fake.Alive);
    }

    [Fact]
    public void Call_IsCaptured_AndReplayed()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 6));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 6);
        (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions { Mask = AttentionMask.Causal }, wantsLogSumExp: false);
        using var plan = CudaAttentionPlan.Create(device, Shape, new BinaryAttentionOptions { Mask = AttentionMask.Causal });
        using var memory = new Pieces(device.Runtime.Context);
        CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
        using var stream = StreamHandle.Create(device.Runtime.Context);
        using GraphHandle graph = stream.Capture(() => plan.Enqueue(pointers, new CudaStream(stream.Value)));
        Assert.Empty(fake.Launches);
        using GraphExecutable executable = graph.Instantiate();
        executable.Launch(stream);
        stream.Synchronize();
        Assert.Empty(fake.Faults);
        Operands.AssertSameBits(expected, memory.Download(pointers.Destination, operands.OutputLength));
    }

    [Fact]
    public void Graph_OfADisposedPlan_ReadsFreedMemory()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 8);
        using var plan = CudaAttentionPlan.Create(device, Shape, new BinaryAttentionOptions { Mask = AttentionMask.Lengths(default, new[] { 5 }) });
        using var memory = new Pieces(device.Runtime.Context);
        CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
        using var stream = StreamHandle.Create(device.Runtime.Context);
        using GraphHandle graph = stream.Capture(() => plan.Enqueue(pointers, new CudaStream(stream.Value)));
        using GraphExecutable executable = graph.Instantiate();
        executable.Launch(stream);
        stream.Synchronize();
        Assert.Empty(fake.Faults);
        plan.Dispose();
        executable.Launch(stream);
        Assert.Throws<CudaException>(stream.Synchronize);
        Assert.Contains("lie in no buffer", Assert.Single(fake.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Halves_AreTheWhole()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 7);
        (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions(), wantsLogSumExp: false);
        using var plan = CudaAttentionPlan.Create(device, Shape);
        using var memory = new Pieces(device.Runtime.Context);
        CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
        plan.EnqueuePacking(pointers);
        Assert.Equal(plan.Kernels.Count - 1, fake.Launches.Count);
        plan.EnqueueAttention(pointers);
        plan.EnqueueAttention(pointers);
        Assert.Equal(plan.Kernels.Count + 1, fake.Launches.Count);
        Assert.All(fake.Launches, launch => Assert.Equal(0, launch.Stream));
        Operands.AssertSameBits(expected, memory.Download(pointers.Destination, operands.OutputLength));
    }

    [Fact]
    public void KeyLengths_AreThePlans_OrTheCalls()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 8);
        using (var plan = CudaAttentionPlan.Create(device, Shape, new BinaryAttentionOptions { Mask = AttentionMask.Lengths(default, new[] { 5 }) }))
        {
            using var memory = new Pieces(device.Runtime.Context);
            CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
            foreach (int length in new[] { 5, 11 })
            {
                CudaPointer lengths = length == 5 ? default : memory.Upload<int>([length]);
                plan.Enqueue(pointers with { KeyLengths = lengths });
                (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, new BinaryAttentionOptions { Mask = AttentionMask.Lengths(default, new[] { length }) }, wantsLogSumExp: false);
                Operands.AssertSameBits(expected, memory.Download(pointers.Destination, operands.OutputLength));
            }
        }

        device.ReleaseRuntime();
        Assert.Empty(fake.Alive);
    }

    [Fact]
    public void Options_AreThePlans()
    {
        using FakeDriver fake = InterpretedGpu.Start(new FakeDevice("Fake", 12, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        var operands = new Operands(Shape, TensorLayout.HeadTokenDimension, 9);
        var options = new BinaryAttentionOptions
        {
            Mask = AttentionMask.Lengths(new[] { 7 }, default).And(AttentionMask.Boolean(Enumerable.Range(0, 2 * 9).Select(static i => 0xF5UL * (ulong)(i + 1)).ToArray())),
            Weighting = SignWeighting.LearnedRows(Enumerable.Range(0, 2 * 9).Select(static i => i - 8f).ToArray(), SignWeightingMode.None),
        };
        using (var plan = CudaAttentionPlan.Create(device, Shape, options))
        {
            using var memory = new Pieces(device.Runtime.Context);
            CudaOperands pointers = memory.Operands(operands, plan.WorkspaceBytes);
            plan.Enqueue(pointers);
            (float[] expected, _) = operands.Run(CpuAttentionBackend.Instance, options, wantsLogSumExp: false);
            Operands.AssertSameBits(expected, memory.Download(pointers.Destination, operands.OutputLength));
            Assert.Equal("8-bit products of signs: compute capability 12.0 has no one-bit matrix product; numerator tables, the CPU's bits", plan.Description);
        }

        device.ReleaseRuntime();
        Assert.Empty(fake.Alive);
    }

    [Fact]
    public void WrongAddresses_AreRefusedByName()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        using var plan = CudaAttentionPlan.Create(device, Shape);
        var good = new CudaOperands { Query = new(0x1000), Key = new(0x2000), Value = new(0x3000), Destination = new(0x4000), Workspace = new(0x5000) };
        plan.Enqueue(good);
        foreach ((CudaOperands operands, string words) in new (CudaOperands, string)[]
        {
            (good with { Key = default }, "Key is null"),
            (good with { Query = new(0x1002) }, "Query is 0x1002; it must be a multiple of 4"),
            (good with { Workspace = new(0x5010) }, "Workspace is 0x5010; it must be a multiple of 256"),
            (good with { LogSumExp = new(0x6000) }, "without WantsLogSumExp"),
            (good with { KeyLengths = new(0x6000) }, "without AttentionMask.Lengths"),
        })
        {
            Assert.Contains(words, Assert.Throws<ArgumentException>(() => plan.Enqueue(operands)).Message, StringComparison.Ordinal);
        }

        plan.Dispose();
        Assert.Throws<ObjectDisposedException>(() => plan.Enqueue(good));
    }

    [Fact]
    public void FailingUpload_GivesItsMemoryBack()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        fake.Fail("cuMemcpyHtoDAsync_v2", 999);
        Assert.Throws<CudaException>(() => CudaAttentionPlan.Create(device, Shape, new BinaryAttentionOptions { Mask = AttentionMask.Lengths(default, new[] { 5 }) }));
        Assert.DoesNotContain("memory", fake.Alive, StringComparer.Ordinal);
    }

    [Fact]
    public void Kernels_AreCompiledOncePerDevice()
    {
        using FakeDriver fake = FakeDriver.Start(new FakeDevice("Fake", 8, 0));
        CudaDevice device = CudaDiscovery.Of(fake.Table(), null).Default;
        using var first = CudaAttentionPlan.Create(device, Shape);
        int compiled = fake.Calls.Count(call => call == "cuModuleLoadDataEx");
        using var second = CudaAttentionPlan.Create(device, Shape);
        Assert.Equal(compiled, fake.Calls.Count(call => call == "cuModuleLoadDataEx"));
        Assert.All(first.Kernels, kernel => Assert.True(kernel.Registers > 0 && kernel.Step.Length > 0));
    }

    /// <summary>Device memory of a test.</summary>
    private sealed unsafe class Pieces(PrimaryContext context) : IDisposable
    {
        private readonly List<DeviceMemory> _memory = [];

        public CudaOperands Operands(Operands operands, long workspaceBytes) => new()
        {
            Query = Upload<float>(operands.Query),
            Key = Upload<float>(operands.Key),
            Value = Upload<float>(operands.Value),
            Destination = Allocate(operands.OutputLength * sizeof(float)),
            Workspace = Allocate(workspaceBytes),
        };

        public CudaPointer Upload<T>(ReadOnlySpan<T> values)
            where T : unmanaged
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
            CudaPointer place = Allocate(bytes.Length);
            _memory[^1].Upload(bytes);
            return place;
        }

        public float[] Download(CudaPointer place, int length)
        {
            var values = new float[length];
            using ContextScope scope = context.Enter();
            fixed (float* data = values)
            {
                context.Driver.Check(context.Driver.Table.CopyToHost(data, place.Address, (nuint)length * sizeof(float)), "cuMemcpyDtoH_v2");
            }

            return values;
        }

        public void Dispose() => _memory.ForEach(memory => memory.Dispose());

        private CudaPointer Allocate(long bytes)
        {
            var memory = DeviceMemory.Allocate(context, bytes);
            _memory.Add(memory);
            return new CudaPointer(memory.Address);
        }
    }
}
