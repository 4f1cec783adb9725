// Hamming distances of six queries against all keys, as bytes. Per plane of a block: one load of codes, six lookups (the query's table is the memory operand), six byte adds.
// Scalar line it equals: distance[j] += popcount(code[j] ^ queryCode). A byte cannot overflow: distances are at most the head dimension, and this path takes at most 254.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class HammingDistances<TVector, TLanes>
    where TVector : struct
    where TLanes : struct, IByteLanes<TVector>, IHammingLookup
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Find(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride)
    {
        nint queryTables = (nint)planes * TLanes.TableBytes;
        for (int block = 0; block < blocks; block++)
        {
            for (int part = 0; part < KeyCodes.BlockKeys; part += TLanes.Width)
            {
                TVector distance0 = TLanes.Zero, distance1 = TLanes.Zero, distance2 = TLanes.Zero;
                TVector distance3 = TLanes.Zero, distance4 = TLanes.Zero, distance5 = TLanes.Zero;
                byte* code = codes + part;
                byte* table = tables;
                for (int plane = 0; plane < planes; plane++)
                {
                    TVector index = TLanes.Load(code);
                    distance0 = TLanes.Add(distance0, TLanes.Lookup(TLanes.LoadTable(table), index));
                    distance1 = TLanes.Add(distance1, TLanes.Lookup(TLanes.LoadTable(table + queryTables), index));
                    distance2 = TLanes.Add(distance2, TLanes.Lookup(TLanes.LoadTable(table + (2 * queryTables)), index));
                    distance3 = TLanes.Add(distance3, TLanes.Lookup(TLanes.LoadTable(table + (3 * queryTables)), index));
                    distance4 = TLanes.Add(distance4, TLanes.Lookup(TLanes.LoadTable(table + (4 * queryTables)), index));
                    distance5 = TLanes.Add(distance5, TLanes.Lookup(TLanes.LoadTable(table + (5 * queryTables)), index));
                    code += KeyCodes.BlockKeys;
                    table += TLanes.TableBytes;
                }

                TLanes.Store(distance0, rows);
                TLanes.Store(distance1, rows + rowStride);
                TLanes.Store(distance2, rows + (2 * rowStride));
                TLanes.Store(distance3, rows + (3 * rowStride));
                TLanes.Store(distance4, rows + (4 * rowStride));
                TLanes.Store(distance5, rows + (5 * rowStride));
                rows += TLanes.Width;
            }

            codes += (nint)planes * KeyCodes.BlockKeys;
        }
    }
}
