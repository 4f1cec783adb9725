// What the emitter refuses, and that its text is a function of the calls alone.
using BinaryAttention.Cuda.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Ptx;

public sealed class PtxEmitterTests
{
    private readonly PtxEmitter _ptx = new("kernel");

    [Fact]
    public void Names_AnUnknownInstruction() => Refuses(() => _ptx.Op("add.s33", 1, 2), "add.s33 is not among");

    [Fact]
    public void Names_AWrongClass()
    {
        PtxRegister single = _ptx.Op("mov.f32", 1f);
        Refuses(() => _ptx.Op("add.s32", single, 2), "source 0 is %f0 of class F32; expected B32");
    }

    [Fact]
    public void Names_AWrongImmediate()
    {
        Refuses(() => _ptx.Op("add.s32", 1f, 2), "expected B32");
        Refuses(() => _ptx.Op("add.rn.f64", 1f, 2.0), "expected F64");
    }

    [Fact]
    public void Names_AWrongResult() => Refuses(() => _ptx.Into(_ptx.New(PtxClass.B64), "add.s32", 1, 2), "result is %rd0 of class B64; expected B32");

    [Fact]
    public void Names_AWrongCount() => Refuses(() => _ptx.Op("mad.lo.s32", 1, 2), "has 2 sources; it takes 3");

    [Fact]
    public void Names_ARegisterThatNothingWrote() => Refuses(() => _ptx.Op("not.b32", _ptx.New(PtxClass.B32)), "which nothing wrote");

    [Fact]
    public void Names_ARegisterThatWasNeverMade() => Refuses(() => _ptx.Op("not.b32", default(PtxRegister)), "a register that was never made");

    [Fact]
    public void Names_AGuardThatIsNoPredicate()
    {
        PtxRegister number = _ptx.Op("mov.b32", 1);
        Refuses(() => _ptx.When(number, () => { }), "a guard is a predicate");
        Refuses(() => _ptx.When(default, () => { }), "a register that was never made");
    }

    [Fact]
    public void Names_ANestedGuard()
    {
        PtxRegister predicate = _ptx.Op("setp.eq.s32", 1, 1);
        Refuses(() => _ptx.When(predicate, () => _ptx.When(predicate, () => { })), "combine the predicates");
    }

    [Fact]
    public void Names_ALabelThatIsPlacedNowhere()
    {
        _ptx.Branch(_ptx.Label("loop"));
        Refuses(() => _ptx.ToText(32), "branches to $loop_0, which is placed nowhere");
    }

    [Fact]
    public void Names_ALabelThatIsPlacedTwice()
    {
        PtxLabel label = _ptx.Label("loop");
        _ptx.Place(label);
        Refuses(() => _ptx.Place(label), "is placed twice");
    }

    [Fact]
    public void Names_AnUnusedResult()
    {
        _ptx.Op("add.s32", 1, 2);
        Refuses(() => _ptx.ToText(32), "%r0, the result of 'add.s32' (instruction 0), is never used");
    }

    [Fact]
    public void Names_AWrongAddress()
    {
        PtxRegister number = _ptx.Op("mov.b32", 1);
        Refuses(() => _ptx.Load("global", "b32", number), "address is %r0 of class B32; expected B64");
        Refuses(() => _ptx.Load("shared", "b33", number), "has type b33");
    }

    [Fact]
    public void Names_AWrongFragment()
    {
        PtxRegister number = _ptx.Op("mov.b32", 1);
        PtxRegister[] four = [number, number, number, number];
        Refuses(() => _ptx.MultiplyBytes(four, four, [number], four), "b has 1 registers; it takes 2");
    }

    [Fact]
    public void Writes_TheSameTextTwice()
    {
        static string Text()
        {
            var ptx = new PtxEmitter("kernel");
            PtxRegister target = ptx.GlobalPointer();
            PtxRegister sum = ptx.Op("add.rn.f32", ptx.Parameter("f32"), 0.1f);
            PtxRegister predicate = ptx.Op("setp.gt.f32", sum, 0f);
            ptx.When(predicate, () => ptx.Store("global", "f32", target, 4, sum), isNegated: true);
            ptx.Return();
            return ptx.ToText(32);
        }

        Assert.Equal(Text(), Text());
        Assert.Equal(
            """
            .version 7.1
            .target sm_75
            .address_size 64

            .visible .entry kernel(
                .param .u64 kernel_0,
                .param .f32 kernel_1
            )
            .reqntid 32, 1, 1
            {
                .reg .b64 %rd<2>;
                .reg .f32 %f<2>;
                .reg .pred %p<1>;

                ld.param.u64 %rd0, [kernel_0];
                cvta.to.global.u64 %rd1, %rd0;
                ld.param.f32 %f0, [kernel_1];
                add.rn.f32 %f1, %f0, 0f3dcccccd;
                setp.gt.f32 %p0, %f1, 0f00000000;
                @!%p0 st.global.f32 [%rd1+4], %f1;
                ret;
            }

            """,
            Text());
    }

    private static void Refuses(Action action, string message) =>
        Assert.Contains(message, Assert.Throws<PtxEmissionException>(action).Message, StringComparison.Ordinal);
}
