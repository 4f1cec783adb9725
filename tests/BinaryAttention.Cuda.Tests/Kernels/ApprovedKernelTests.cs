// The text of every variant that a set of calls emits, by hash: a change of any kernel's PTX shows as a change of Kernels/ApprovedKernels.txt, which is to be reviewed (and, where a GPU is
// at hand, measured again). The file lists entry name, instructions, shared bytes and SHA-256. With BINARYATTENTION_APPROVE=1 the test writes it.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BinaryAttention.Cuda.Kernels;
using BinaryAttention.Cuda.Measuring;
using TestKit;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Kernels;

public sealed class ApprovedKernelTests
{
    [Fact]
    public void Emits_TheApprovedText()
    {
        string actual = string.Join('\n', Variants().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) + "\n";
        string path = RepositoryFolder.PathOf("tests/BinaryAttention.Cuda.Tests/Kernels/ApprovedKernels.txt");
        if (Environment.GetEnvironmentVariable("BINARYATTENTION_APPROVE") == "1")
        {
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path).ReplaceLineEndings("\n"), actual);
    }

    private static IEnumerable<string> Variants() => TableVariants().Concat(OtherVariants()).Concat(MicroInstructions.All.Select(static instruction => Describe(MicroLoop.Emit(instruction, 16, 4))));

    private static IEnumerable<string> OtherVariants()
    {
        CudaSpecification plain = CudaSpecification.Dense(new AttentionShape(1, 2, 100, 500, 64, 64));
        CudaSpecification[] others =
        [
            plain with { Bias = CudaBiasKind.Dense, WantsLogSumExp = true },
            plain with { Columns = SignWeightingMode.MeanMagnitudePerToken, Rows = SignWeightingMode.MeanMagnitudePerToken },
            plain with { Bias = CudaBiasKind.PerKey, IsCausal = true, HasKeyLengths = true },
            plain with { ChunkTiles = 4 },
            plain with { LogitScale = -1, SignOfZero = SignOfZero.Negative },
        ];
        CudaSpecification[] masks =
        [
            plain with { HasPairs = true, HasQueryLengths = true, HasKeyLengths = true, IsCausal = true, WantsLogSumExp = true },
            plain with { HasBlocks = true },
            plain with { Rows = SignWeightingMode.Learned, Columns = SignWeightingMode.None },
            plain with { Rows = SignWeightingMode.Learned, Columns = SignWeightingMode.Learned },
            plain with { Shape = plain.Shape with { QueryLength = 500 }, Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(20, 25, false, 2) },
            plain with { Shape = plain.Shape with { QueryLength = 500 }, Bias = CudaBiasKind.RelativePosition, Grid = new RelativeGrid(1, 499, true, 1) },
        ];
        IEnumerable<AttentionStep> steps = others.Concat(masks).SelectMany(static other => AttentionProgram.For(other, 80).Steps);
        CudaSpecification[] forms = [plain, others[0], others[3], plain with { OutputType = CudaElement.BFloat16 }, masks[0], plain with { Rows = SignWeightingMode.MeanMagnitudePerToken }, CudaSpecification.Dense(new AttentionShape(1, 2, 100, 500, 128, 128))];
        foreach (int computeCapability in (int[])[75, 100])
        {
            steps = steps.Concat(forms.SelectMany(form => AttentionProgram.For(form, computeCapability).Steps));
        }

        return steps.Select(static step => Describe(step.Module));
    }

    private static IEnumerable<string> TableVariants()
    {
        foreach (int dimension in (int[])[31, 32, 64, 96, 128])
        {
            foreach (bool isPerToken in (bool[])[false, true])
            {
                foreach (bool isCausal in (bool[])[false, true])
                {
                    foreach (bool hasLengths in (bool[])[false, true])
                    {
                        CudaSpecification specification = CudaSpecification.Dense(new AttentionShape(2, 2, 100, 100, dimension, dimension)) with
                        {
                            Rows = isPerToken ? SignWeightingMode.MeanMagnitudePerToken : SignWeightingMode.MeanMagnitudePerHead,
                            IsCausal = isCausal,
                            HasKeyLengths = hasLengths,
                            WantsLogSumExp = isCausal,
                            InputType = (CudaElement)(dimension / 32 % 3),
                            OutputType = (CudaElement)(dimension / 32 % 3),
                        };
                        foreach (AttentionStep step in AttentionProgram.For(specification, 80).Steps)
                        {
                            yield return Describe(step.Module);
                        }
                    }
                }
            }
        }
    }

    private static string Describe(PtxModule module) => string.Create(
        CultureInfo.InvariantCulture,
        $"{module.EntryPoint} {ProgramRunner.Parsed(module).InstructionCount} instructions, {module.StaticSharedBytes + module.DynamicSharedBytes} shared bytes, {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(module.Source)))}");
}
