// Runs the generated code for one tile of the current group and one of the next: values of the one beside distances of the other wherever both need a block of keys, either alone elsewhere.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TileKernels
{
    private const int GranuleKeys = 16;
    private const int BlockGranules = KeyCodes.BlockKeys / GranuleKeys;

    // What differs from call to call of one run: five stages, and the units of fixed point.
    private const int StageBits = 5;
    private const int Units = FixedPoint.MaxFractionBits + 1;

    // Any number that says "two vectors a row" to kernels that do not compute exponentials.
    private const int AnyFractionBits = 10;

    private readonly TilePlan _plan;
    private readonly bool _wideDistances;
    private readonly bool _isFixedPoint;
    private readonly KernelStages _mapStage;
    private readonly KernelStages _dotStages;
    private readonly int _rowBytes;
    private readonly MachineCode?[] _kernels = new MachineCode?[Units << StageBits];

    /// <summary>Kernels of table mode.</summary>
    public TileKernels(in TilePlan plan, bool wideDistances)
        : this(plan, wideDistances, KernelStages.TableMap, KernelStages.SignDot, isFixedPoint: false)
    {
    }

    /// <summary>Kernels of fixed-point log mode.</summary>
    public TileKernels(in TilePlan plan, bool wideDistances, KernelStages logitTerms)
        : this(plan, wideDistances, KernelStages.Exponentials, KernelStages.Logits | logitTerms, isFixedPoint: true)
    {
    }

    private TileKernels(in TilePlan plan, bool wideDistances, KernelStages mapStage, KernelStages dotStages, bool isFixedPoint)
    {
        _plan = plan;
        _wideDistances = wideDistances;
        _mapStage = mapStage;
        _dotStages = dotStages;
        _isFixedPoint = isFixedPoint;
        _rowBytes = isFixedPoint ? 2 * TileFrame.Line : TileFrame.Line;
    }

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
            signDot = next->HasMask ? _dotStages | KernelStages.Mask : _dotStages;
            bool isLast = next->Run == next->RunCount && !next->HasMask;
            int lastKeys = isLast ? next->LastKeys : KeyCodes.BlockKeys;
            arguments.TailMask = _isFixedPoint ? scratch.TailWords(lastKeys) : scratch.Tail(lastKeys);
            arguments.Codes = head->Codes + ((long)firstBlock * _plan.Frame.Planes * KeyCodes.BlockKeys);
            arguments.Next = next->Frame;
            arguments.Distances = next->Distances + ((long)position * rows * _rowBytes);
            arguments.Mask = next->Mask + ((long)position * rows);
            arguments.Prefetch = next->Prefetch + ((long)firstBlock * KeyCodes.BlockKeys);
            arguments.PrefetchStride = next->PrefetchStride * sizeof(float);
            arguments.PrefetchBack = (KeyCodes.BlockKeys - (rows * next->PrefetchStride)) * sizeof(float);
            arguments.KeyWeights = head->KeyWeights + ((long)firstBlock * KeyCodes.BlockKeys);
            arguments.Bias = next->Bias is not null ? next->Bias + ((long)position * rows * KeyCodes.BlockKeys) : head->KeyBias + ((long)firstBlock * KeyCodes.BlockKeys);
        }

        if (current is null)
        {
            Kernel(signDot, AnyFractionBits).Run(&arguments);
            return;
        }

        int currentPosition = Advance(current, blocks);
        int keys = blocks * KeyCodes.BlockKeys;
        if (current->Run == current->RunCount && !_isFixedPoint)
        {
            arguments.TailGranules = (current->LastKeys + GranuleKeys - 1) / GranuleKeys;
        }

        arguments.Current = current->Frame;
        arguments.Probabilities = current->Distances + ((long)currentPosition * rows * _rowBytes);
        for (int panel = 0; panel < head->Panels; panel++)
        {
            KernelStages stages = currentPosition == 0 ? KernelStages.Values | KernelStages.FreshSums : KernelStages.Values;
            stages |= panel == 0 && current->MapsByKernel ? _mapStage : KernelStages.None;
            stages |= panel == head->Panels - 1 ? signDot : KernelStages.None;
            arguments.Sums = current->Sums + (panel * rows * panelChannels);
            arguments.Values = head->Levels + (panel * head->PanelBytes) + ((long)firstBlock * KeyCodes.BlockKeys * panelChannels);
            Kernel(stages, current->FractionBits).Run(&arguments);
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

    // Threads may fill the same place at the same time, with the same kernel.
    private MachineCode Kernel(KernelStages stages, int fractionBits)
    {
        MachineCode?[] kernels = _kernels;
        int index = fractionBits << StageBits;
        index |= (stages & KernelStages.Values) != KernelStages.None ? 1 : 0;
        index |= (stages & _mapStage) != KernelStages.None ? 2 : 0;
        index |= (stages & _dotStages) != KernelStages.None ? 4 : 0;
        index |= (stages & KernelStages.Mask) != KernelStages.None ? 8 : 0;
        index |= (stages & KernelStages.FreshSums) != KernelStages.None ? 16 : 0;
        return kernels[index] ?? (kernels[index] = KernelCache.Get(new KernelSpecification(_plan.Tile, _plan.Frame.Planes, stages, _wideDistances, _isFixedPoint ? fractionBits : 0)));
    }
}
