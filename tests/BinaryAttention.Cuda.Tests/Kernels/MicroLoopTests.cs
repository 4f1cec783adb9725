// The measuring loops on the interpreter: strict syntax, no race, the counted instruction runs as often as the report divides by, and the clock is read around the loop alone.
using System.Runtime.InteropServices;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Measuring;
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class MicroLoopTests
{
    public static TheoryData<string> Names => [.. MicroInstructions.All.Select(static instruction => instruction.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Runs_TheInstructionAsOftenAsReported(string name)
    {
        MicroInstruction instruction = MicroInstructions.All.Single(candidate => candidate.Name == name);
        (PtxCounts few, _) = Run(instruction, warps: 2, chains: 3, iterations: 1);
        (PtxCounts many, ulong[] clocks) = Run(instruction, warps: 2, chains: 3, iterations: 5);

        // Four more iterations: 4 x 8 steps x 3 chains x 2 warps, and three instructions of loop control.
        const int Steps = 4 * MicroLoop.Unroll * 3 * 2;
        long added = many.Total - few.Total - (4 * 3 * 2);
        Assert.Equal(0, added % Steps);
        long perStep = added / Steps;
        Assert.Equal(name switch { "ldmatrix_x4" => 5, "ld_shared_lookup" or "i2f_f2i" or "max_add_s32" or "lop_prmt" => 2, _ => 1 }, perStep);
        Assert.Equal(instruction.UsesTable, many[PtxInstructionClass.SharedLoad] + many[PtxInstructionClass.MatrixLoad] > 0);

        // The interpreter's clock counts the warp's own instructions: the loop and the second reading.
        Assert.All(clocks, clock => Assert.Equal((ulong)((5 * ((perStep * MicroLoop.Unroll * 3) + 3)) + 1), clock));
    }

    [Theory]
    [InlineData(75, "mma_b1_m8n8k128_xor", true)]
    [InlineData(75, "mma_u8s8_m16n8k32", false)]
    [InlineData(90, "mma_b1_m16n8k256_and", true)]
    [InlineData(90, "mma_b1_m8n8k128_xor", false)]
    [InlineData(120, "mma_s8_m16n8k32", true)]
    [InlineData(120, "mma_b1_m16n8k256_and", false)]
    public void Asks_WhatTheDeviceHas(int computeCapability, string name, bool isAsked)
    {
        MicroInstruction instruction = MicroInstructions.All.Single(candidate => candidate.Name == name);
        Assert.Equal(isAsked, instruction.FirstDevice <= computeCapability && computeCapability <= instruction.LastDevice);
        PtxModule module = MicroLoop.Emit(instruction, 1, 1);
        Assert.Equal(isAsked, ProgramRunner.Parsed(module).WhyNot(computeCapability) is null);
    }

    private static (PtxCounts Counts, ulong[] Clocks) Run(MicroInstruction instruction, int warps, int chains, int iterations)
    {
        PtxModule module = MicroLoop.Emit(instruction, warps, chains);
        var memory = new PtxGlobalMemory();
        PtxGlobalBuffer results = memory.Output("results", 32L * warps * MicroLoop.ResultBytes);
        PtxCounts counts = PtxInterpreter.Run(ProgramRunner.Parsed(module), (1, 1, 1), [(results.Address, 8), ((ulong)iterations, 4), (0, 4)], module.DynamicSharedBytes, memory);
        ulong[] words = MemoryMarshal.Cast<byte, ulong>(results.Data).ToArray();
        return (counts, Enumerable.Range(0, words.Length / 4).Select(i => words[(4 * i) + 1] - words[4 * i]).ToArray());
    }
}
