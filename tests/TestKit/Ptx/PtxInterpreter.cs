// Runs a parsed kernel, block after block. The warps of a block run in lockstep of 32 lanes, one warp until its next barrier, in an order that a seed shuffles after every barrier; rules that
// make the result independent of the order (no races, waits in place) are checked, not assumed. Branches must be taken by whole warps.
namespace TestKit.Ptx;

public static class PtxInterpreter
{
    /// <summary>Runs a launch.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="arguments">Bits and size of every parameter.</param>
    /// <param name="dynamicSharedBytes">Shared memory given by the launch.</param>
    /// <param name="memory">Device memory.</param>
    /// <param name="seed">Order of the warps.</param>
    /// <param name="limit">Warp instructions after which the run counts as endless.</param>
    /// <returns>What was executed.</returns>
    public static PtxCounts Run(PtxKernel kernel, (uint X, uint Y, uint Z) grid, IReadOnlyList<(ulong Bits, int Bytes)> arguments, int dynamicSharedBytes, PtxGlobalMemory memory, int seed = 1, long limit = 1_000_000_000)
    {
        if (arguments.Count != kernel.ParameterBytes.Count)
        {
            throw new PtxFaultException($"{kernel.Name} has {kernel.ParameterBytes.Count} parameters; {arguments.Count} were given.");
        }

        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i].Bytes != kernel.ParameterBytes[i])
            {
                throw new PtxFaultException($"{kernel.Name}: parameter {i} has {kernel.ParameterBytes[i]} bytes; {arguments[i].Bytes} were given.");
            }
        }

        if (grid.X == 0 || grid.Y is 0 or > 65_535 || grid.Z is 0 or > 65_535)
        {
            throw new PtxFaultException($"{kernel.Name}: a grid of {grid} is not allowed.");
        }

        ulong[] parameters = arguments.Select(static argument => argument.Bits).ToArray();
        memory.Launch++;
        var counts = new PtxCounts();
        var random = new Random(seed);
        int block = 0;
        for (uint z = 0; z < grid.Z; z++)
        {
            for (uint y = 0; y < grid.Y; y++)
            {
                for (uint x = 0; x < grid.X; x++, block++)
                {
                    RunBlock(kernel, (x, y, z), block, parameters, dynamicSharedBytes, memory, random, counts, limit);
                }
            }
        }

        return counts;
    }

    private static void RunBlock(PtxKernel kernel, (uint X, uint Y, uint Z) block, int blockIndex, ulong[] parameters, int dynamicSharedBytes, PtxGlobalMemory memory, Random random, PtxCounts counts, long limit)
    {
        var shared = new PtxSharedMemory(kernel.StaticSharedBytes + (kernel.HasDynamicShared ? dynamicSharedBytes : 0));
        PtxWarp[] warps = Enumerable.Range(0, kernel.Threads / 32)
            .Select(warp => new PtxWarp(kernel.Registers, warp * 32, (blockIndex * kernel.Threads) + (warp * 32), shared, memory, block) { Parameters = parameters })
            .ToArray();
        while (!Array.TrueForAll(warps, static warp => warp.HasEnded))
        {
            random.Shuffle(warps);
            foreach (PtxWarp warp in warps.Where(static warp => !warp.HasEnded))
            {
                RunWarp(kernel, warp, counts, limit);
            }

            if (Array.Exists(warps, static warp => warp.IsAtBarrier))
            {
                if (Array.Exists(warps, static warp => !warp.IsAtBarrier))
                {
                    throw new PtxFaultException($"{kernel.Name}, block {block}: some warps wait at a barrier that others never reach.");
                }

                shared.Epoch++;
                Array.ForEach(warps, static warp => warp.IsAtBarrier = false);
            }
        }
    }

    // Until a barrier or the end.
    private static void RunWarp(PtxKernel kernel, PtxWarp warp, PtxCounts counts, long limit)
    {
        while (!warp.IsAtBarrier && !warp.HasEnded)
        {
            PtxInstruction instruction = kernel.Instructions[warp.Position++];
            counts.Add(instruction.Class);
            warp.Clock++;
            uint lanes = PtxWarp.AllLanes;
            if (instruction.Guard >= 0)
            {
                warp.RequireValue(instruction.Guard, PtxWarp.AllLanes, instruction);
                lanes = 0;
                for (int lane = 0; lane < 32; lane++)
                {
                    lanes |= (uint)(warp[instruction.Guard, lane] & 1) << lane;
                }

                lanes = instruction.IsGuardNegated ? ~lanes : lanes;
            }

            if (lanes == 0)
            {
                continue;
            }

            if (instruction.NeedsAllLanes && lanes != PtxWarp.AllLanes)
            {
                throw new PtxFaultException($"{instruction.Where}: runs in lanes 0x{lanes:x8} of warp {warp.Thread(0) / 32}; all lanes must take part.");
            }

            instruction.Execute(warp, lanes, instruction);
            if (counts.Steps++ > limit)
            {
                throw new PtxFaultException($"{kernel.Name} ran {limit} instructions without ending.");
            }
        }
    }
}
