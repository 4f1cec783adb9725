// The 8-bit product of every instruction set against scalar 64-bit sums, with the extreme operands 255 and +-127 among them.
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using Xunit;

namespace BinaryAttention.Tests.Simd;

public sealed unsafe class IntegerLanesTests
{
    private const int Rows = 6;

    public static TheoryData<string> Lanes() => ["128", "256", "512", "VNNI"];

    [Theory]
    [MemberData(nameof(Lanes))]
    public void Accumulate_EqualsScalarSums(string lanes)
    {
        foreach (int keys in (int[])[64, 128, 2048])
        {
            foreach (bool extreme in (bool[])[false, true])
            {
                Check(lanes, keys, extreme);
            }
        }
    }

    // 65,536 keys of 255 * 127 are the most that a 32-bit sum holds.
    [Theory]
    [MemberData(nameof(Lanes))]
    public void Accumulate_HoldsTheLargestSum(string lanes) => Check(lanes, IntegerProduct<Vector128<int>, IntegerLanes128>.MaxKeys, extreme: true);

    // What runs on Arm, compared on any machine.
    [Fact]
    public void PortableMultiplyAdd_EqualsScalarSums()
    {
        var random = new Random(9);
        for (int turn = 0; turn < 1000; turn++)
        {
            short[] probabilities = [.. Enumerable.Range(0, 8).Select(_ => (short)(turn == 0 ? 255 : random.Next(256)))];
            short[] values = [.. Enumerable.Range(0, 8).Select(lane => (short)(turn == 0 ? (lane < 4 ? 127 : -127) : random.Next(-127, 128)))];
            Vector128<int> sums = Vector128.Create(random.Next(-1000, 1000), -7, 0, int.MaxValue - 70_000);
            Vector128<int> actual = IntegerLanes128.MultiplyAddPortable(sums, Vector128.Create(probabilities).AsInt32(), Vector128.Create(values).AsInt32());
            for (int lane = 0; lane < 4; lane++)
            {
                Assert.Equal(sums[lane] + (probabilities[2 * lane] * values[2 * lane]) + (probabilities[(2 * lane) + 1] * values[(2 * lane) + 1]), actual[lane]);
            }
        }
    }

    private static void Check(string lanes, int keys, bool extreme)
    {
        CpuFeatures cpu = CpuFeatures.Current;
        bool runs = lanes switch { "VNNI" => cpu is { AvxVnni: true, Avx2: true }, "512" => cpu.Avx512BW, "256" => cpu.Avx2, _ => cpu.Vector128 };
        Assert.SkipUnless(runs, $"{lanes} is not supported here");
        switch (lanes)
        {
            case "VNNI": Check<Vector256<int>, IntegerLanesVnni>(keys, extreme); break;
            case "512": Check<Vector512<int>, IntegerLanes512>(keys, extreme); break;
            case "256": Check<Vector256<int>, IntegerLanes256>(keys, extreme); break;
            default: Check<Vector128<int>, IntegerLanes128>(keys, extreme); break;
        }
    }

    private static void Check<TVector, TLanes>(int keys, bool extreme)
        where TVector : struct
        where TLanes : struct, IIntegerLanes<TVector>
    {
        int channels = IntegerProduct<TVector, TLanes>.PanelChannels;
        var layout = new ValueLayout(channels, keys, channels, TLanes.GroupKeys);
        int probabilityBytes = TLanes.GroupKeys == 2 ? 2 : 1;
        using var values = new NativeBuffer(layout.Bytes);
        using var probabilities = new NativeBuffer((long)Rows * keys * probabilityBytes);
        using var sums = new NativeBuffer((long)Rows * channels * sizeof(int));
        var random = new Random(keys);
        var expected = new long[Rows, channels];
        var levels = new sbyte[channels];
        for (int key = 0; key < keys; key++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                levels[channel] = extreme ? (sbyte)(channel % 2 == 0 ? 127 : -127) : (sbyte)random.Next(-127, 128);
                ((sbyte*)values.Pointer)[layout.Offset(key, channel)] = levels[channel];
            }

            for (int row = 0; row < Rows; row++)
            {
                byte probability = extreme ? (byte)255 : (byte)random.Next(256);
                long index = ((long)row * keys) + key;
                if (probabilityBytes == 2)
                {
                    probabilities.As<ushort>()[index] = probability;
                }
                else
                {
                    probabilities.Pointer[index] = probability;
                }

                for (int channel = 0; channel < channels; channel++)
                {
                    expected[row, channel] += probability * levels[channel];
                }
            }
        }

        // In two halves, so that carried-over sums are covered too.
        int groups = keys / TLanes.GroupKeys / 2;
        nint rowBytes = (nint)keys * probabilityBytes;
        IntegerProduct<TVector, TLanes>.Accumulate(probabilities.Pointer, rowBytes, (sbyte*)values.Pointer, groups, sums.As<int>(), channels);
        IntegerProduct<TVector, TLanes>.Accumulate(probabilities.Pointer + (groups * 4L), rowBytes, (sbyte*)values.Pointer + ((long)keys / 2 * channels), groups, sums.As<int>(), channels);
        for (int row = 0; row < Rows; row++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                Assert.Equal(expected[row, channel], sums.As<int>()[(row * channels) + channel]);
            }
        }
    }
}
