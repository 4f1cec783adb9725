// Every launch of every kind of call stays within the grid that the machine takes (2^31 - 1, 65,535, 65,535), also where heads times batch items do not.
using BinaryAttention.Cuda.Kernels;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class LaunchLimitTests
{
    [Theory]
    [InlineData(2049, 32, 1, 64)]
    [InlineData(65_535, 2, 3, 64)]
    [InlineData(2, 65_535, 3, 64)]
    [InlineData(1, 1, 3, 8_000_000)]
    public void EveryStep_FitsTheGrid(int batch, int heads, int queryLength, int keyLength)
    {
        CudaSpecification plain = CudaSpecification.Dense(new AttentionShape(batch, heads, queryLength, keyLength, 64, 64));
        CudaSpecification square = CudaSpecification.Dense(new AttentionShape(batch, heads, 64, 64, 64, 64));
        CudaSpecification[] calls =
        [
            plain,
            plain with { Rows = SignWeightingMode.MeanMagnitudePerToken },
            plain with { Columns = SignWeightingMode.MeanMagnitudePerToken },
            plain with { Rows = SignWeightingMode.Learned, Columns = SignWeightingMode.Learned },
            plain with { Bias = CudaBiasKind.PerKey },
            plain with { Bias = CudaBiasKind.Dense, HasKeyLengths = true, HasQueryLengths = true },
            plain with { HasPairs = true, HasBlocks = true },
            square with { Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(8, 8, false, heads) },
        ];
        foreach (CudaSpecification call in calls)
        {
            foreach (int computeCapability in (int[])[75, 80, 100])
            {
                Assert.Null(call.WhyNot(computeCapability));
                foreach (AttentionStep step in AttentionProgram.For(call, computeCapability).Steps)
                {
                    Assert.True(step.Grid is { GridX: > 0 and <= int.MaxValue, GridY: > 0 and <= 65_535, GridZ: > 0 and <= 65_535 }, $"{step.Name}: {step.Grid}");
                }
            }
        }
    }
}
