// Faults planted into the real kernels' text: the interpreter must find each. Without these, agreement with the CPU would not show that a barrier or a wait is in its place, because
// an interpreter that runs warps one after the other is kinder than the machine.
using System.Text.RegularExpressions;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Tests.Kernels;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Interpreter;

public sealed class PlantedFaultTests
{
    private const string Attention = "attention";

    [Fact]
    public void Runs_WithoutFault_Unchanged() => Run(Attention, static text => text);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Finds_AMissingBarrier(int barrier)
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, text => Without(text, "    bar.sync 0;\n", barrier)));
        Assert.Contains("without a barrier", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Finds_AMissingBarrier_InTheValueMeasurement(int barrier)
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run("measure values", text => Without(text, "    bar.sync 0;\n", barrier)));
        Assert.True(fault.Message.Contains("without a barrier", StringComparison.Ordinal) || fault.Message.Contains("which nothing wrote", StringComparison.Ordinal), fault.Message);
    }

    [Theory]
    [InlineData(75, 0)]
    [InlineData(75, 2)]
    [InlineData(100, 0)]
    [InlineData(100, 1)]
    public void Finds_AMissingBarrier_InOtherForms(int computeCapability, int barrier)
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, text => Without(text, "    bar.sync 0;\n", barrier), computeCapability: computeCapability));
        Assert.Contains("without a barrier", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_AWrongWaitCount()
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, static text => text.Replace("cp.async.wait_group 1;", "cp.async.wait_group 2;", StringComparison.Ordinal)));
        Assert.Contains("a wait is missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_CopiesThatNobodyWaitsFor()
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, static text => text.Replace("cp.async.wait_group 0;", "cp.async.wait_group 1;", StringComparison.Ordinal).Replace("cp.async.wait_group 1;", "cp.async.wait_group 3;", StringComparison.Ordinal)));
        Assert.Contains("unfinished", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_AWrongBytePermutation()
    {
        // The numerators of four keys in another order: every access is legal, so only the output can tell.
        float[] right = Run(Attention, static text => text);
        float[] wrong = Run(Attention, static text => text.Replace(", 21520;", ", 16709;", StringComparison.Ordinal));
        Assert.NotEqual(right, wrong);
    }

    [Fact]
    public void Finds_AWrongKeyPermutation()
    {
        // Keys packed in their own order instead of the columns'.
        float[] right = Run("pack keys", static text => text);
        float[] wrong = Run("pack keys", static text => Regex.Replace(Replaced(text, ", -15;", ", -1;"), @"(?<and>and\.b32 %r\d+, %r\d+), (2|12);", "${and}, 0;", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)));
        Assert.NotEqual(right, wrong);
    }

    [Fact]
    public void Finds_AnOutOfRangeRead()
    {
        // A grid one block too long would be caught by the kernel's own limits; without them the read leaves the buffer.
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run("pack queries", static text => Replaced(text, "setp.lt.u32", "setp.ge.u32")));
        Assert.Contains("lie in no buffer", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_UninitialisedSharedMemory()
    {
        // The zero entry of masked keys is never stored.
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, static text =>
        {
            int zero = text.LastIndexOf(" st.shared.b32", StringComparison.Ordinal);
            int start = text.LastIndexOf('\n', zero) + 1;
            return text.Remove(start, text.IndexOf('\n', zero) + 1 - start);
        }));
        Assert.Contains("which nothing wrote", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_AnUninitialisedRegister()
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run("pack queries", static text => Without(text, "mov.f64 %fd0, 0d0000000000000000;", 0)));
        Assert.Contains("it has no value", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_AMisalignedAccess()
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Run(Attention, static text => Replaced(text, "cp.async.cg.shared.global [%r", "cp.async.cg.shared.global [%r", "], [%rd", "+8], [%rd")));
        Assert.Contains("not aligned", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("add.s32", "add.s33")]
    [InlineData("cp.async.commit_group", "cp.async.commit")]
    [InlineData("m16n8k128", "m16n8k127")]
    [InlineData(".shared.b32", ".shared.b31")]
    [InlineData("bra.uni", "bra.all")]
    [InlineData(".reg .f64", ".reg .f63")]
    public void Refuses_WhatItDoesNotKnow(string known, string unknown) =>
        Assert.Throws<PtxFaultException>(() => Run(Attention, text => text.Replace(known, unknown, StringComparison.Ordinal)));

    [Fact]
    public void Finds_AnEndlessLoop() =>
        Assert.Throws<PtxFaultException>(() => Run("numerator tables", static text => text.Replace("sub.s32", "add.s32", StringComparison.Ordinal), limit: 20_000));

    private static string Replaced(string text, string old, string replacement)
    {
        int place = text.IndexOf(old, StringComparison.Ordinal);
        Assert.True(place >= 0, $"the kernel has no '{old}'");
        return string.Concat(text.AsSpan(0, place), replacement, text.AsSpan(place + old.Length));
    }

    private static string Replaced(string text, string after, string same, string old, string replacement)
    {
        Assert.Equal(after, same);
        int place = text.IndexOf(after, StringComparison.Ordinal);
        return text[..place] + Replaced(text[place..], old, replacement);
    }

    private static string Without(string text, string part, int occurrence)
    {
        int place = -1;
        for (int i = 0; i <= occurrence; i++)
        {
            place = text.IndexOf(part, place + 1, StringComparison.Ordinal);
            Assert.True(place >= 0, $"the kernel has no occurrence {i} of '{part}'");
        }

        return text.Remove(place, part.Length);
    }

    private static float[] Run(string step, Func<string, string> plant, long limit = 10_000_000, int computeCapability = 80)
    {
        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(1, 1, 100, 300, 40, 32)) with { WantsLogSumExp = true };
        return ProgramRunner.Run(
            specification,
            ParityTests.Gaussian(100 * 40, 1),
            ParityTests.Gaussian(300 * 40, 2),
            ParityTests.Gaussian(300 * 32, 3),
            change: candidate => candidate.Name == step ? candidate with { Module = candidate.Module with { Source = plant(candidate.Module.Source) } } : candidate,
            limit: limit,
            computeCapability: computeCapability).Output;
    }
}
