// Operands of one plan in device memory, with the host values they came from. 16-bit types hold exactly what the host array holds after rounding to them, so that the CPU
// can compute from the same numbers.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda;
using BinaryAttention.Cuda.Driver;

namespace BinaryAttention.Cli.Benchmarking.Gpu;

internal sealed unsafe class GpuOperands : IDisposable
{
    private const byte Poison = 0xFF;

    private readonly CudaDevice _device;
    private readonly List<DeviceMemory> _memory = [];
    private readonly CudaElementType _outputType;

    public GpuOperands(CudaAttentionPlan plan, in AttentionShape shape, CudaPlanOptions options, float[] query, float[] key, float[] value)
    {
        _device = plan.Device;
        _outputType = options.OutputType;
        long rows = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        OutputLength = checked((int)(rows * shape.ValueDimension));
        LogSumExpLength = options.WantsLogSumExp ? checked((int)rows) : 0;
        try
        {
            Operands = new CudaOperands
            {
                Query = Upload(query, options.InputType),
                Key = Upload(key, options.InputType),
                Value = Upload(value, options.InputType),
                Destination = Allocate(OutputLength * (long)BytesOf(options.OutputType)),
                LogSumExp = options.WantsLogSumExp ? Allocate(LogSumExpLength * (long)sizeof(float)) : default,
                Workspace = Allocate(plan.WorkspaceBytes),
            };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public CudaOperands Operands { get; }

    public int OutputLength { get; }

    public int LogSumExpLength { get; }

    /// <summary>Device memory that a plan and its operands need.</summary>
    public static long Bytes(CudaAttentionPlan plan, in AttentionShape shape, CudaPlanOptions options)
    {
        long queries = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        int keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;
        long keys = (long)shape.BatchSize * keyHeads * shape.KeyLength;
        return (((queries + keys) * shape.HeadDimension) + (keys * shape.ValueDimension)) * BytesOf(options.InputType) + (queries * shape.ValueDimension * BytesOf(options.OutputType)) + (queries * sizeof(float)) + plan.WorkspaceBytes;
    }

    /// <summary>Fills output and workspace with NaN patterns, so that an element that nothing writes shows.</summary>
    public void PoisonOutputs(StreamHandle stream)
    {
        PrimaryContext context = _device.Runtime.Context;
        using ContextScope scope = context.Enter();
        foreach (DeviceMemory memory in _memory.Skip(3))
        {
            context.Driver.Check(context.Driver.Table.FillAsync(memory.Address, Poison, (nuint)memory.Bytes, stream.Value), "cuMemsetD8Async");
        }
    }

    /// <summary>The output as float32; the work that makes it must have ended.</summary>
    public float[] Output()
    {
        if (_outputType == CudaElementType.Float32)
        {
            return Download<float>(Operands.Destination, OutputLength);
        }

        ushort[] bits = Download<ushort>(Operands.Destination, OutputLength);
        return Array.ConvertAll(bits, value => _outputType == CudaElementType.Float16 ? (float)BitConverter.UInt16BitsToHalf(value) : BitConverter.UInt32BitsToSingle((uint)value << 16));
    }

    public float[] LogSumExp() => Download<float>(Operands.LogSumExp, LogSumExpLength);

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    /// <summary>Rounds values in place to what a type can hold; bfloat16 by cutting, which is as random as any rounding here.</summary>
    public static void RoundTo(float[] values, CudaElementType type)
    {
        for (int i = 0; i < values.Length && type != CudaElementType.Float32; i++)
        {
            values[i] = type == CudaElementType.Float16 ? (float)(Half)values[i] : BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(values[i]) & 0xFFFF0000);
        }
    }

    private static int BytesOf(CudaElementType type) => type == CudaElementType.Float32 ? 4 : 2;

    private CudaPointer Upload(float[] values, CudaElementType type)
    {
        if (type == CudaElementType.Float32)
        {
            return Upload<float>(values);
        }

        var bits = new ushort[values.Length];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = type == CudaElementType.Float16 ? BitConverter.HalfToUInt16Bits((Half)values[i]) : (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16);
        }

        return Upload<ushort>(bits);
    }

    private CudaPointer Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        CudaPointer place = Allocate(values.Length * (long)sizeof(T));
        _memory[^1].Upload(MemoryMarshal.AsBytes(values));
        return place;
    }

    private T[] Download<T>(CudaPointer place, int length)
        where T : unmanaged
    {
        var values = new T[length];
        PrimaryContext context = _device.Runtime.Context;
        using ContextScope scope = context.Enter();
        fixed (T* data = values)
        {
            context.Driver.Check(context.Driver.Table.CopyToHost(data, place.Address, (nuint)(length * (long)sizeof(T))), "cuMemcpyDtoH_v2");
        }

        return values;
    }

    private CudaPointer Allocate(long bytes)
    {
        var memory = DeviceMemory.Allocate(_device.Runtime.Context, bytes);
        _memory.Add(memory);
        return new CudaPointer(memory.Address);
    }
}
