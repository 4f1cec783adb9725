// Runs the generated code for one tile and one chunk of keys, panel after panel: the current tile's map and values beside the next tile's distances.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TileKernels(TilePlan plan, bool wideDistances)
{
    private const int GranuleKeys = 16;
    private const int Combinations = 16;

    private readonly TilePlan _plan = plan;
    private readonly MachineCode?[] _kernels = new MachineCode?[Combinations];

    /// <summary>One step.</summary>
    /// <param name="scratch">Masks of the last block.</param>
    /// <param name="head">Keys and values.</param>
    /// <param name="current">The tile whose sums are computed, or null.</param>
    /// <param name="next">The tile whose distances are computed, or null.</param>
    /// <param name="firstKey">First key of the chunk, a multiple of 64.</param>
    /// <param name="keys">Keys of the chunk.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(AssembledScratch scratch, HeadOperands* head, TileSlot* current, TileSlot* next, int firstKey, int keys)
    {
        int rows = _plan.Tile.Rows;
        int panelChannels = _plan.Tile.PanelChannels;
        int firstBlock = firstKey / KeyCodes.BlockKeys;
        int blocks = KeyCodes.Blocks(keys);
        int lastKeys = keys - ((blocks - 1) * KeyCodes.BlockKeys);
        KernelArguments arguments;
        arguments.FullBlocks = blocks - 1;
        arguments.TailGranules = (lastKeys + GranuleKeys - 1) / GranuleKeys;
        arguments.Mask = null;
        if (next is not null)
        {
            arguments.TailMask = lastKeys == KeyCodes.BlockKeys ? scratch.NoTail : scratch.Tail;
            arguments.Codes = head->Codes + ((long)firstBlock * _plan.Frame.Planes * KeyCodes.BlockKeys);
            arguments.Next = next->Frame;
            arguments.Distances = next->Distances + ((long)firstBlock * rows * TileFrame.Line);
        }

        if (current is null)
        {
            Kernel(KernelStages.SignDot).Run(&arguments);
            return;
        }

        arguments.Current = current->Frame;
        arguments.Probabilities = current->Distances + ((long)firstBlock * rows * TileFrame.Line);
        for (int panel = 0; panel < head->Panels; panel++)
        {
            KernelStages stages = KernelStages.Values;
            stages |= panel == 0 && current->MapsByKernel ? KernelStages.TableMap : KernelStages.None;
            stages |= panel == head->Panels - 1 && next is not null ? KernelStages.SignDot : KernelStages.None;
            arguments.Sums = current->Sums + (panel * rows * panelChannels);
            arguments.Values = head->Levels + (panel * head->PanelBytes) + ((long)firstKey * panelChannels);
            Kernel(stages).Run(&arguments);
        }

        int endKey = firstKey + keys;
        if (current->LongSums is not null && (endKey == head->KeyLength || endKey % AssembledLimits.SumKeys == 0))
        {
            for (int i = 0; i < scratch.SumCount; i++)
            {
                current->LongSums[i] += current->Sums[i];
                current->Sums[i] = 0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MachineCode Kernel(KernelStages stages) => _kernels[(int)stages] ?? Make(stages);

    private MachineCode Make(KernelStages stages) =>
        _kernels[(int)stages] = KernelCache.Get(new KernelSpecification(_plan.Tile, _plan.Frame.Planes, stages, wideDistances));
}
