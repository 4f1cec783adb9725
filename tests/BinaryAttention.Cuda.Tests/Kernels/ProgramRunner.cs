// Runs a program's steps on the interpreter, as a host would on a device, and the same call on the CPU's reference kernel.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Kernels;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

internal sealed class ProgramRunner
{
    private static readonly Dictionary<string, PtxKernel> s_kernels = new(StringComparer.Ordinal);
    private static readonly Lock s_lock = new();

    /// <summary>Warp instructions of the attention step.</summary>
    public PtxCounts? AttentionCounts { get; private set; }

    public float[] Output { get; private set; } = [];

    public float[] LogSumExp { get; private set; } = [];

    public static PtxKernel Parsed(PtxModule module)
    {
        lock (s_lock)
        {
            if (!s_kernels.TryGetValue(module.Source, out PtxKernel? kernel))
            {
                kernel = PtxParser.Parse(module.Source);
                s_kernels.Add(module.Source, kernel);
            }

            return kernel;
        }
    }

    public static ProgramRunner Run(CudaSpecification specification, float[] query, float[] key, float[] value, int[]? keyLengths = null, int seed = 1, Func<AttentionStep, AttentionStep>? change = null, long limit = 1_000_000_000, float[]? bias = null, int computeCapability = 80, OptionInputs? options = null)
    {
        AttentionProgram program = AttentionProgram.For(specification, computeCapability);
        var memory = new PtxGlobalMemory();
        AttentionShape shape = specification.Shape;
        PtxGlobalBuffer queryBuffer = Operand(memory, "query", query, specification.InputType);
        PtxGlobalBuffer keyBuffer = Operand(memory, "key", key, specification.InputType);
        PtxGlobalBuffer valueBuffer = Operand(memory, "value", value, specification.InputType);
        PtxGlobalBuffer lengths = memory.Input<int>("keyLengths", keyLengths ?? []);
        long rows = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        int outputBytes = specification.OutputType == CudaElement.Float32 ? 4 : 2;
        PtxGlobalBuffer output = memory.Output("destination", rows * shape.ValueDimension * outputBytes);
        PtxGlobalBuffer logSumExp = memory.Output("logSumExp", specification.WantsLogSumExp ? rows * 4 : 0);
        PtxGlobalBuffer biasBuffer = memory.Input<float>("bias", bias ?? []);
        options ??= new OptionInputs();
        PtxGlobalBuffer workspace = memory.Output("workspace", program.WorkspaceBytes);
        var pointers = new DevicePointers(queryBuffer.Address, keyBuffer.Address, valueBuffer.Address, output.Address, logSumExp.Address, lengths.Address, biasBuffer.Address, workspace.Address)
        {
            QueryLengths = memory.Input<int>("queryLengths", options.QueryLengths).Address,
            RowWeights = memory.Input<float>("rowWeights", options.RowWeights).Address,
            ColumnWeights = memory.Input<float>("columnWeights", options.ColumnWeights).Address,
            Pairs = memory.Input<ulong>("pairs", options.Pairs).Address,
            Blocks = memory.Input<bool>("blocks", options.Blocks).Address,
        };
        var runner = new ProgramRunner();
        foreach (AttentionStep original in program.Steps)
        {
            AttentionStep step = change?.Invoke(original) ?? original;
            Assert.Null(Parsed(step.Module).WhyNot(computeCapability));
            PtxCounts counts = PtxInterpreter.Run(
                Parsed(step.Module),
                (step.Grid.GridX, step.Grid.GridY, step.Grid.GridZ),
                step.Arguments(pointers).Select(static argument => (argument.Bits, argument.SizeBytes)).ToArray(),
                step.Module.DynamicSharedBytes,
                memory,
                seed,
                limit);
            runner.AttentionCounts = counts;
        }

        runner.Output = Read(output, specification.OutputType);
        runner.LogSumExp = MemoryMarshal.Cast<byte, float>(logSumExp.Data).ToArray();
        return runner;
    }

    /// <summary>The CPU's answer for the same call.</summary>
    public static (float[] Output, float[] LogSumExp) Reference(CudaSpecification specification, float[] query, float[] key, float[] value, int[]? keyLengths = null, float[]? bias = null, OptionInputs? options = null)
    {
        AttentionShape shape = specification.Shape;
        long rows = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        var output = new float[rows * shape.ValueDimension];
        var logSumExp = new float[rows];
        options ??= new OptionInputs();
        AttentionMask?[] masks =
        [
            keyLengths is not null || specification.HasQueryLengths ? AttentionMask.Lengths(options.QueryLengths, keyLengths) : null,
            specification.IsCausal ? AttentionMask.Causal : null,
            specification.HasPairs ? AttentionMask.Boolean(options.Pairs) : null,
            specification.HasBlocks ? AttentionMask.BlockSparse(options.Blocks) : null,
        ];
        var attentionOptions = new BinaryAttentionOptions
        {
            Kernel = "reference",
            LogitScale = specification.LogitScale,
            Weighting = (specification.Rows, specification.Columns) switch
            {
                (SignWeightingMode.Learned, SignWeightingMode.Learned) => SignWeighting.Learned(options.RowWeights, options.ColumnWeights),
                (SignWeightingMode.Learned, _) => SignWeighting.LearnedRows(options.RowWeights, specification.Columns),
                (_, SignWeightingMode.Learned) => SignWeighting.LearnedColumns(specification.Rows, options.ColumnWeights),
                _ => new SignWeighting(specification.Rows, specification.Columns),
            },
            SignOfZero = specification.SignOfZero,
            Mask = masks.Where(static mask => mask is not null).Aggregate((AttentionMask?)null, static (all, mask) => all?.And(mask!) ?? mask),
            Bias = specification.Bias switch
            {
                CudaBiasKind.RelativePosition => AttentionBias.RelativePosition(bias, specification.Grid.Heads, specification.Grid.Height, specification.Grid.Width, specification.Grid.HasClassToken),
                CudaBiasKind.PerKey => AttentionBias.PerKey(bias, shape.BatchSize, shape.HeadCount, shape.KeyLength),
                CudaBiasKind.Dense => AttentionBias.Dense(bias, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.KeyLength),
                _ => null,
            },
        };
        Attention.BinaryScaledDotProduct(query, key, value, output, shape, attentionOptions, logSumExp);
        return (output, logSumExp);
    }

    /// <summary>Rounds to the type and back, so that both sides read the same numbers.</summary>
    public static float[] Rounded(float[] values, CudaElement type) => type switch
    {
        CudaElement.Float16 => Array.ConvertAll(values, static value => (float)(Half)value),
        CudaElement.BFloat16 => Array.ConvertAll(values, static value => BitConverter.UInt32BitsToSingle((uint)BFloat16(value) << 16)),
        _ => values,
    };

    private static PtxGlobalBuffer Operand(PtxGlobalMemory memory, string name, float[] values, CudaElement type) => type switch
    {
        CudaElement.Float16 => memory.Input<ushort>(name, Array.ConvertAll(values, static value => BitConverter.HalfToUInt16Bits((Half)value))),
        CudaElement.BFloat16 => memory.Input<ushort>(name, Array.ConvertAll(values, BFloat16)),
        _ => memory.Input<float>(name, values),
    };

    private static float[] Read(PtxGlobalBuffer buffer, CudaElement type) => type switch
    {
        CudaElement.Float16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(buffer.Data).ToArray(), static bits => (float)BitConverter.UInt16BitsToHalf(bits)),
        CudaElement.BFloat16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(buffer.Data).ToArray(), static bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        _ => MemoryMarshal.Cast<byte, float>(buffer.Data).ToArray(),
    };

    private static ushort BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FFF : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
