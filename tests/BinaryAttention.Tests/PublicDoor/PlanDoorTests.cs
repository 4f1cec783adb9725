// Misuse of a plan.
using Xunit;

namespace BinaryAttention.Tests.PublicDoor;

public sealed class PlanDoorTests
{
    private static readonly AttentionShape Shape = new(1, 2, 3, 5, 8, 6);

    [Fact]
    public void Run_BeforeSetKeyValue_Throws()
    {
        using AttentionPlan plan = AttentionPlan.Create(Shape, new BinaryAttentionOptions());
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => plan.Run(new float[48], new float[36]));
        Assert.Contains("Call SetKeyValue before Run", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CancelledSetKeyValue_NeedsItsKeysAgain()
    {
        using AttentionPlan plan = AttentionPlan.Create(Shape, new BinaryAttentionOptions { Kernel = AttentionKernels.All.First(kernel => kernel.IsUsable).Name });
        plan.SetKeyValue(new float[80], new float[60]);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => plan.SetKeyValue(new float[80], new float[60], source.Token));
        Assert.Throws<InvalidOperationException>(() => plan.Run(new float[48], new float[36]));
        plan.SetKeyValue(new float[80], new float[60]);
        plan.Run(new float[48], new float[36]);
    }

    [Fact]
    public void Create_RefusesTheReference_ForOperandsBeyondOneArray()
    {
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => AttentionPlan.Create(new AttentionShape(2, 32, 1 << 20, 1, 64, 1), new AttentionOptions { Kernel = "reference" }));
        Assert.Contains("an operand has 4294967296 elements", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Disposed_Throws()
    {
        AttentionPlan plan = AttentionPlan.Create(Shape, new AttentionOptions());
        plan.SetKeyValue(new float[80], new float[60]);
        plan.Dispose();
        plan.Dispose();
        Assert.Throws<ObjectDisposedException>(() => plan.Run(new float[48], new float[36]));
        Assert.Throws<ObjectDisposedException>(() => plan.SetKeyValue(new float[80], new float[60]));
    }

    [Fact]
    public void Rejects_OperandsOfAnotherShape()
    {
        using AttentionPlan plan = AttentionPlan.Create(Shape, new BinaryAttentionOptions());
        Refused("key has 79 elements", () => plan.SetKeyValue(new float[79], new float[60]));
        Refused("value has 59 elements", () => plan.SetKeyValue(new float[80], new float[59]));
        Refused("key has batch size 1, 2 heads, length 4 and dimension 8; the plan was made for 1, 2, 5 and 8", () => plan.SetKeyValue(
            new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(new float[64], [1, 2, 4, 8]), new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(new float[60], [1, 2, 5, 6])));
        plan.SetKeyValue(new float[80], new float[60]);
        Refused("query has 47 elements", () => plan.Run(new float[47], new float[36]));
        Refused("destination has 35 elements", () => plan.Run(new float[48], new float[35]));
        Refused("logSumExp has 5 elements", () => plan.Run(new float[48], new float[36], new float[5]));
        Refused("query has batch size 1, 2 heads, length 4", () => plan.Run(
            new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(new float[64], [1, 2, 4, 8]), new System.Numerics.Tensors.TensorSpan<float>(new float[36], [1, 2, 3, 6])));
        Refused("destination overlaps itself", () => plan.Run(
            new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(new float[48], [1, 2, 3, 8]), new System.Numerics.Tensors.TensorSpan<float>(new float[36], [1, 2, 3, 6], [0, 0, 6, 1])));
        var memory = new float[80];
        Refused("destination overlaps query", () => plan.Run(memory.AsSpan(0, 48), memory.AsSpan(40, 36)));
    }

    [Fact]
    public void Create_RefusesWhatTheCallsRefuse()
    {
        Assert.Throws<ArgumentNullException>(() => AttentionPlan.Create(Shape, null!));
        Refused("shape.KeyLength is 0", () => AttentionPlan.Create(Shape with { KeyLength = 0 }, new AttentionOptions()));
        Refused("must divide", () => AttentionPlan.Create(Shape with { KeyHeadCount = 3 }, new AttentionOptions()));
        Refused("does not exist", () => AttentionPlan.Create(Shape, new AttentionOptions { Kernel = "none such" }));
        Refused("KeyPlanes is 3", () => AttentionPlan.Create(Shape, new BinaryAttentionOptions { KeyPlanes = 3 }));
    }

    [Fact]
    public void OptionsOfEitherKind_ChooseTheAttention()
    {
        // Two keys, one far away: exact attention ignores it, plain sign attention with scale 0 does not.
        AttentionShape shape = new(1, 1, 1, 2, 1, 1);
        var destination = new float[1];
        foreach ((AttentionOptions options, float expected) in (ReadOnlySpan<(AttentionOptions, float)>)[(new AttentionOptions { LogitScale = 1f }, 1f), (new BinaryAttentionOptions { LogitScale = 0f, Quantization = ValueQuantization.Full }, 0.5f)])
        {
            using AttentionPlan plan = AttentionPlan.Create(shape, options);
            plan.SetKeyValue([100f, -100f], [1f, 0f]);
            plan.Run([1f], destination);
            Assert.Equal(expected, destination[0], 1e-6f);
        }
    }

    [Fact]
    public void ForgottenPlan_ReleasesItsBias()
    {
        WeakReference values = Forget();
        for (int collection = 0; collection < 10 && values.IsAlive; collection++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(values.IsAlive, "the bias of a plan that was not disposed stays pinned");

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Forget()
        {
            var values = new float[5];
            AttentionPlan.Create(Shape, new AttentionOptions { Bias = AttentionBias.PerKey(values, 1, 1, 5) });
            return new WeakReference(values);
        }
    }

    private static void Refused(string part, Action call) =>
        Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(call).Message, StringComparison.Ordinal);

    // Codes of 6 or 4 bits, a byte each, by 64 keys; 4 bytes of weight; a byte per value channel, padded to panels of 16 or 32; 8 bytes per channel of scale and mean.
    [Fact]
    public void PackedByteCount_IsThatOfBitsAndBytes()
    {
        AttentionShape shape = new(2, 4, 1, 4096, 64, 64) { KeyHeadCount = 2 };
        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions { Kernel = "simd" });
        long perKey = plan.PackedByteCount / (2 * 2 * 4096);
        Assert.InRange(perKey, 11 + 64 + 4, 16 + 64 + 4);
        using AttentionPlan exact = AttentionPlan.Create(shape, new AttentionOptions { Kernel = "simd" });
        Assert.Equal(2 * 2 * 4096 * 128 * sizeof(float), exact.PackedByteCount);
    }

    // Every call either works or says that the plan is in use.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task UseByTwoThreads_IsAnErrorOrWorks_NeverACrash(int threads)
    {
        AttentionShape shape = new(1, 2, 64, 64, 16, 8);
        var operand = new float[2 * 64 * 16];
        using AttentionPlan plan = AttentionPlan.Create(shape, new BinaryAttentionOptions { MaxDegreeOfParallelism = threads });
        plan.SetKeyValue(operand, operand.AsSpan(0, 2 * 64 * 8));
        int worked = 0;
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(
            () =>
            {
                var destination = new float[2 * 64 * 8];
                for (int i = 0; i < 200; i++)
                {
                    try
                    {
                        plan.Run(operand, destination);
                        Interlocked.Increment(ref worked);
                    }
                    catch (InvalidOperationException inUse)
                    {
                        Assert.Contains("in use by another thread", inUse.Message, StringComparison.Ordinal);
                    }
                }
            },
            TestContext.Current.CancellationToken)));
        Assert.True(worked > 0);
        plan.Run(operand, new float[2 * 64 * 8]);
    }
}
