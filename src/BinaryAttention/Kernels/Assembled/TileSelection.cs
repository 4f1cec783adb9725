// Which keys a tile works on. Without masks that is every key. Padding and the causal rule leave leading keys; allowed pairs and blocks may leave gaps, whose blocks are skipped where no row
// of the tile sees them. Where the rows of a tile differ, every pair has a bit.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class TileSelection
{
    /// <summary>Selects the keys of a tile.</summary>
    /// <param name="slot">The tile, whose queries are set.</param>
    /// <param name="allowed">The masks of the call.</param>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="rows">Rows of a tile; those beyond the last query repeat it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Select(TileSlot* slot, AllowedKeys allowed, int head, int rows)
    {
        slot->Run = 0;
        slot->RunDone = 0;
        if (allowed.HasGaps)
        {
            SelectBlocks(slot, allowed, head, rows);
            return;
        }

        int most = 0;
        bool differ = false;
        for (int row = 0; row < rows; row++)
        {
            int keys = allowed.Leading(head, slot->FirstQuery + Math.Min(row, slot->Queries - 1));
            slot->RowKeys[row] = keys;
            differ |= row > 0 && keys != most;
            most = Math.Max(most, keys);
        }

        SetLeading(slot, most);
        slot->HasMask = differ;
        if (differ)
        {
            FillLeadingMask(slot, rows);
        }
    }

    /// <summary>Selects the leading keys for all rows alike.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SetLeading(TileSlot* slot, int keys)
    {
        int blocks = KeyCodes.Blocks(keys);
        slot->Runs[0] = new TileRun { Blocks = blocks };
        slot->RunCount = blocks == 0 ? 0 : 1;
        slot->Blocks = blocks;
        slot->LastKeys = keys - ((blocks - 1) * KeyCodes.BlockKeys);
        slot->HasMask = false;
        slot->Run = 0;
        slot->RunDone = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillLeadingMask(TileSlot* slot, int rows)
    {
        for (int block = 0; block < slot->Blocks; block++)
        {
            for (int row = 0; row < rows; row++)
            {
                int keys = Math.Clamp(slot->RowKeys[row] - (block * KeyCodes.BlockKeys), 0, KeyCodes.BlockKeys);
                slot->Mask[(block * rows) + row] = keys == KeyCodes.BlockKeys ? ulong.MaxValue : (1UL << keys) - 1;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SelectBlocks(TileSlot* slot, AllowedKeys allowed, int head, int rows)
    {
        // Row by row behind the place where the words end up block by block.
        int wordsPerRow = slot->MaskWordsPerRow;
        ulong* words = slot->Mask + ((long)rows * wordsPerRow);
        int most = 0;
        for (int row = 0; row < rows; row++)
        {
            ulong* rowWords = words + ((long)row * wordsPerRow);
            int count = allowed.Words(head, slot->FirstQuery + Math.Min(row, slot->Queries - 1), rowWords);
            new Span<ulong>(rowWords + count, wordsPerRow - count).Clear();
            most = Math.Max(most, count);
        }

        int selected = 0;
        slot->RunCount = 0;
        ulong allSet = ulong.MaxValue;
        for (int block = 0; block < most; block++)
        {
            ulong any = 0;
            for (int row = 0; row < rows; row++)
            {
                any |= words[((long)row * wordsPerRow) + block];
            }

            if (any == 0)
            {
                continue;
            }

            AddBlock(slot, block, selected);
            for (int row = 0; row < rows; row++)
            {
                ulong word = words[((long)row * wordsPerRow) + block];
                slot->Mask[((long)selected * rows) + row] = word;
                allSet &= word;
            }

            selected++;
        }

        slot->Blocks = selected;
        slot->LastKeys = KeyCodes.BlockKeys;
        slot->HasMask = allSet != ulong.MaxValue;
        new Span<int>(slot->RowKeys, rows).Fill(selected * KeyCodes.BlockKeys);
    }

    private static void AddBlock(TileSlot* slot, int block, int position)
    {
        TileRun* last = slot->Runs + slot->RunCount - 1;
        if (slot->RunCount > 0 && last->FirstBlock + last->Blocks == block)
        {
            last->Blocks++;
        }
        else
        {
            last[1] = new TileRun { FirstBlock = block, Blocks = 1, Position = position };
            slot->RunCount++;
        }
    }
}
