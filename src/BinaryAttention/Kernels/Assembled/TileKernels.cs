// Runs the generated code for one step of the pipeline over all keys and panels: the current tile's map and values beside the next tile's distances.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TileKernels(TileShape tile, TileFrame frame, bool wideDistances)
{
    private const int GranuleKeys = 16;
    private const int Combinations = 16;

    private readonly TileShape _tile = tile;
    private readonly MachineCode?[] _kernels = new MachineCode?[Combinations];

    /// <summary>One step.</summary>
    /// <param name="scratch">Receives the current tile's sums.</param>
    /// <param name="head">Keys and values.</param>
    /// <param name="current">The tile whose sums are computed, or null.</param>
    /// <param name="next">The tile whose distances are computed, or null.</param>
    /// <param name="mapsByKernel">False if the current tile holds probabilities already.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(AssembledScratch scratch, HeadOperands* head, TileSlot* current, TileSlot* next, bool mapsByKernel)
    {
        int keys = head->KeyLength;
        int rows = _tile.Rows;
        int panelChannels = _tile.PanelChannels;
        int planes = frame.Planes;
        int* sums = scratch.Sums;
        long* longSums = scratch.LongSums;
        if (current is not null)
        {
            new Span<int>(sums, scratch.SumCount).Clear();
            if (longSums is not null)
            {
                new Span<long>(longSums, scratch.SumCount).Clear();
            }
        }

        KernelArguments arguments = default;
        for (int firstKey = 0; firstKey < keys; firstKey += AssembledLimits.ChunkKeys)
        {
            int count = Math.Min(AssembledLimits.ChunkKeys, keys - firstKey);
            int firstBlock = firstKey / KeyCodes.BlockKeys;
            int blocks = KeyCodes.Blocks(count);
            int lastKeys = count - ((blocks - 1) * KeyCodes.BlockKeys);
            arguments.FullBlocks = blocks - 1;
            arguments.TailGranules = (lastKeys + GranuleKeys - 1) / GranuleKeys;
            if (next is not null)
            {
                if (longSums is not null)
                {
                    scratch.SetTail(lastKeys);
                }

                arguments.Codes = head->Codes + ((long)firstBlock * planes * KeyCodes.BlockKeys);
                arguments.Next = next->Frame;
                arguments.Distances = next->Distances + ((long)firstBlock * rows * TileFrame.Line);
            }

            if (current is null)
            {
                Kernel(KernelStages.SignDot).Run(&arguments);
                continue;
            }

            arguments.Current = current->Frame;
            arguments.Probabilities = current->Distances + ((long)firstBlock * rows * TileFrame.Line);
            for (int panel = 0; panel < head->Panels; panel++)
            {
                KernelStages stages = KernelStages.Values;
                stages |= panel == 0 && mapsByKernel ? KernelStages.TableMap : KernelStages.None;
                stages |= panel == head->Panels - 1 && next is not null ? KernelStages.SignDot : KernelStages.None;
                arguments.Sums = sums + (panel * rows * panelChannels);
                arguments.Values = head->Levels + (panel * head->PanelBytes) + ((long)firstKey * panelChannels);
                Kernel(stages).Run(&arguments);
            }

            if (longSums is not null)
            {
                for (int i = 0; i < scratch.SumCount; i++)
                {
                    longSums[i] += sums[i];
                    sums[i] = 0;
                }
            }
        }
    }

    private MachineCode Kernel(KernelStages stages) =>
        _kernels[(int)stages] ??= KernelCache.Get(new KernelSpecification(_tile, frame.Planes, stages, wideDistances));
}
