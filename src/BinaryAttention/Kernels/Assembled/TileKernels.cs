// Runs the generated code for one tile of the current group and one of the next: values of the one beside distances of the other wherever both need a block of keys, either alone elsewhere.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TileKernels(TilePlan plan, bool wideDistances)
{
    private const int GranuleKeys = 16;
    private const int BlockGranules = KeyCodes.BlockKeys / GranuleKeys;
    private const int Combinations = 16;

    private readonly TilePlan _plan = plan;
    private readonly MachineCode?[] _kernels = new MachineCode?[Combinations];

    /// <summary>One step: all blocks below a limit that the tiles have not passed yet.</summary>
    /// <param name="scratch">Tail masks.</param>
    /// <param name="head">Keys and values.</param>
    /// <param name="current">The tile whose sums are computed, or null.</param>
    /// <param name="next">The tile whose distances are computed, or null.</param>
    /// <param name="endBlock">The first block that this step leaves to later ones.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(AssembledScratch scratch, HeadOperands* head, TileSlot* current, TileSlot* next, int endBlock)
    {
        while (true)
        {
            int currentBlock = FirstBlock(current, endBlock);
            int nextBlock = FirstBlock(next, endBlock);
            int first = Math.Min(currentBlock, nextBlock);
            if (first == endBlock)
            {
                return;
            }

            TileSlot* first1 = currentBlock == first ? current : null;
            TileSlot* first2 = nextBlock == first ? next : null;

            // Up to the end of the shorter run, or to where the other tile joins in.
            int end = endBlock;
            end = Math.Min(end, first1 is not null ? RunEnd(first1) : currentBlock);
            end = Math.Min(end, first2 is not null ? RunEnd(first2) : nextBlock);
            RunBlocks(scratch, head, first1, first2, first, end - first);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FirstBlock(TileSlot* slot, int endBlock) =>
        slot is null || slot->Run == slot->RunCount ? endBlock : Math.Min(endBlock, slot->Runs[slot->Run].FirstBlock + slot->RunDone);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RunEnd(TileSlot* slot) => slot->Runs[slot->Run].FirstBlock + slot->Runs[slot->Run].Blocks;

    // Gives the position of the tile's first block and moves past the blocks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Advance(TileSlot* slot, int blocks)
    {
        TileRun* run = slot->Runs + slot->Run;
        int position = run->Position + slot->RunDone;
        slot->RunDone += blocks;
        if (slot->RunDone == run->Blocks)
        {
            slot->Run++;
            slot->RunDone = 0;
        }

        return position;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunBlocks(AssembledScratch scratch, HeadOperands* head, TileSlot* current, TileSlot* next, int firstBlock, int blocks)
    {
        int rows = _plan.Tile.Rows;
        int panelChannels = _plan.Tile.PanelChannels;
        KernelArguments arguments;
        arguments.FullBlocks = blocks - 1;
        arguments.TailGranules = BlockGranules;
        KernelStages signDot = KernelStages.None;
        if (next is not null)
        {
            int position = Advance(next, blocks);
            signDot = next->HasMask ? KernelStages.SignDot | KernelStages.Mask : KernelStages.SignDot;
            bool isLast = next->Run == next->RunCount && !next->HasMask;
            arguments.TailMask = scratch.Tail(isLast ? next->LastKeys : KeyCodes.BlockKeys);
            arguments.Codes = head->Codes + ((long)firstBlock * _plan.Frame.Planes * KeyCodes.BlockKeys);
            arguments.Next = next->Frame;
            arguments.Distances = next->Distances + ((long)position * rows * TileFrame.Line);
            arguments.Mask = next->Mask + ((long)position * rows);
        }

        if (current is null)
        {
            Kernel(signDot).Run(&arguments);
            return;
        }

        int currentPosition = Advance(current, blocks);
        int keys = blocks * KeyCodes.BlockKeys;
        if (current->Run == current->RunCount)
        {
            arguments.TailGranules = (current->LastKeys + GranuleKeys - 1) / GranuleKeys;
        }

        arguments.Current = current->Frame;
        arguments.Probabilities = current->Distances + ((long)currentPosition * rows * TileFrame.Line);
        for (int panel = 0; panel < head->Panels; panel++)
        {
            KernelStages stages = KernelStages.Values;
            stages |= panel == 0 && current->MapsByKernel ? KernelStages.TableMap : KernelStages.None;
            stages |= panel == head->Panels - 1 ? signDot : KernelStages.None;
            arguments.Sums = current->Sums + (panel * rows * panelChannels);
            arguments.Values = head->Levels + (panel * head->PanelBytes) + ((long)firstBlock * KeyCodes.BlockKeys * panelChannels);
            Kernel(stages).Run(&arguments);
        }

        if (current->LongSums is not null)
        {
            current->SummedKeys += keys;
            if (current->Run == current->RunCount || current->SummedKeys + _plan.ChunkKeys > AssembledLimits.SumKeys)
            {
                EmptySums(current, scratch.SumCount);
            }
        }
    }

    private static void EmptySums(TileSlot* slot, int count)
    {
        for (int i = 0; i < count; i++)
        {
            slot->LongSums[i] += slot->Sums[i];
            slot->Sums[i] = 0;
        }

        slot->SummedKeys = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MachineCode Kernel(KernelStages stages) => _kernels[(int)stages] ?? Make(stages);

    private MachineCode Make(KernelStages stages) =>
        _kernels[(int)stages] = KernelCache.Get(new KernelSpecification(_plan.Tile, _plan.Frame.Planes, stages, wideDistances));
}
