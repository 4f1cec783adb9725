// Times attention kernels against one another. Rivals take turns (A B A B ...), so that a drift of the clock or a noisy neighbour meets all of them; medians are
// reported; the clock is measured before and after; and the output that was timed is the output that is checked.
using System.Diagnostics;
using BinaryAttention.Kernels;

namespace BinaryAttention.Cli.Benchmarking;

internal static class AttentionBenchmark
{
    private const int WarmUpRuns = 30;
    private const double LongestWarmUpSeconds = 1;

    // The compiler's second tier starts about 0.1 s after the first calls; shorter runs would be timed in the first.
    private const double ShortestWarmUpSeconds = 0.3;

    public static IReadOnlyList<BenchmarkResult> Run(BenchmarkRequest request, CliContext context, Action<Action<Action>> withProgress)
    {
        AttentionBias? bias = BenchmarkBias.Create(request.Bias, request.Shape, request.Seed + 1);
        var inputs = new GaussianInputs(request.Shape, request.Seed);
        List<Contender> contenders = [];
        try
        {
            foreach ((IAttentionKernel kernel, AttentionSpecification specification) in Choose(request, bias, context))
            {
                contenders.Add(new Contender(kernel, specification, inputs));
            }

            var results = new List<BenchmarkResult>();
            withProgress(advance =>
            {
                foreach (Contender contender in contenders)
                {
                    WarmUp(contender, context.Cancellation);
                }

                double clock = CycleClock.MeasureGigahertz();
                for (int repeat = 0; repeat < request.Repeat; repeat++)
                {
                    foreach (Contender contender in contenders)
                    {
                        context.Cancellation.ThrowIfCancellationRequested();
                        contender.Run(counts: true, context.Cancellation);
                        advance();
                    }
                }

                clock = Math.Max(clock, CycleClock.MeasureGigahertz());
                var errors = new RowErrors(request.Shape, inputs, bias, request.Seed + 2);
                Dictionary<string, double[]> references = new(StringComparer.Ordinal);
                foreach (Contender contender in contenders)
                {
                    context.Cancellation.ThrowIfCancellationRequested();
                    results.Add(Result(contender, errors, references, clock));
                }
            });
            return results;
        }
        finally
        {
            foreach (Contender contender in contenders)
            {
                contender.Dispose();
            }
        }
    }

    /// <summary>Number of timed runs, for progress.</summary>
    public static int CountRuns(BenchmarkRequest request, CliContext context) =>
        request.Repeat * Choose(request, BenchmarkBias.Create(request.Bias, request.Shape, request.Seed + 1), context with { Error = TextWriter.Null }).Count;

    private static List<(IAttentionKernel Kernel, AttentionSpecification Specification)> Choose(BenchmarkRequest request, AttentionBias? bias, CliContext context)
    {
        List<(IAttentionKernel, AttentionSpecification)> chosen = [];
        foreach (IAttentionKernel kernel in Kernels(request, context))
        {
            foreach (AttentionSpecification specification in Specifications(request, bias))
            {
                if (kernel.WhyNot(specification) is not { } reason)
                {
                    chosen.Add((kernel, specification));
                }
                else if (request.Kernels.Count > 0)
                {
                    throw new BadInputException($"kernel \"{kernel.Name}\" cannot run this {Contender.OperationOf(specification)} call: {reason}.");
                }
                else
                {
                    context.Warn($"kernel \"{kernel.Name}\" is left out of the {Contender.OperationOf(specification)} operation: {reason}.");
                }
            }
        }

        return chosen.Count > 0 ? chosen : throw new BadInputException("no kernel can run this call. Name one with --kernels; 'binattn doctor' lists them.");
    }

    private static List<IAttentionKernel> Kernels(BenchmarkRequest request, CliContext context)
    {
        if (request.Kernels.Count == 0)
        {
            List<IAttentionKernel> usable = [.. KernelRegistry.Kernels.Where(kernel => kernel.WhyNot(CpuFeatures.Current) is null)];
            List<IAttentionKernel> fast = [.. usable.Where(kernel => !IsReference(kernel))];
            if (fast.Count == 0)
            {
                context.Warn("no fast kernel can run here; timing the reference, which is very slow on long sequences.");
            }

            return fast.Count > 0 ? fast : usable;
        }

        List<IAttentionKernel> named = [];
        foreach (string name in request.Kernels)
        {
            IAttentionKernel kernel = KernelRegistry.Kernels.FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal))
                ?? throw new BadInputException($"--kernels names \"{name}\", which does not exist. Known kernels: {string.Join(", ", KernelRegistry.Kernels.Select(known => known.Name))}.");
            if (kernel.WhyNot(CpuFeatures.Current) is { } reason)
            {
                throw new BadInputException($"kernel \"{name}\" cannot run on this machine: {reason}.");
            }

            if (IsReference(kernel) && (long)request.Shape.QueryLength * request.Shape.KeyLength * request.Shape.BatchSize * request.Shape.HeadCount > 1 << 20)
            {
                context.Warn("the reference kernel is very slow on so many pairs; one run may take minutes.");
            }

            named.Add(kernel);
        }

        return named;
    }

    private static bool IsReference(IAttentionKernel kernel) => string.Equals(kernel.Name, "reference", StringComparison.Ordinal);

    private static IEnumerable<AttentionSpecification> Specifications(BenchmarkRequest request, AttentionBias? bias)
    {
        AttentionShape shape = request.Shape with { KeyHeadCount = request.Shape.HeadCount };
        if (request.RunsBinary)
        {
            yield return SpecificationBuilder.Build(
                shape,
                new BinaryAttentionOptions { Bias = bias, Weighting = BenchmarkWeighting.Create(request.Weighting, shape, request.Seed + 3), Quantization = Commands.CommonOptions.Quantization(request.Quantization), MaxDegreeOfParallelism = request.Threads },
                isBinary: true);
        }

        if (request.RunsEightBit)
        {
            yield return SpecificationBuilder.Build(shape, new EightBitAttentionOptions { Bias = bias, Quantization = Commands.CommonOptions.Quantization(request.Quantization), MaxDegreeOfParallelism = request.Threads });
        }

        if (request.RunsExact)
        {
            yield return SpecificationBuilder.Build(shape, new AttentionOptions { Bias = bias, MaxDegreeOfParallelism = request.Threads }, isBinary: false);
        }
    }

    private static void WarmUp(Contender contender, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; ; run++)
        {
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (seconds >= LongestWarmUpSeconds || (run >= WarmUpRuns && seconds >= ShortestWarmUpSeconds))
            {
                return;
            }

            cancellationToken.ThrowIfCancellationRequested();
            contender.Run(counts: false, cancellationToken);
        }
    }

    private static BenchmarkResult Result(Contender contender, RowErrors errors, Dictionary<string, double[]> references, double clockGigahertz)
    {
        AttentionSpecification specification = contender.Specification;
        if (!references.TryGetValue(contender.Operation, out double[]? reference))
        {
            reference = specification.IsBinary ? errors.Binary(specification.LogitScale, specification.Weighting) : errors.Exact(specification.LogitScale);
            references.Add(contender.Operation, reference);
        }

        (double cosineSimilarity, double relativeError) = errors.Compare(contender.Output, reference);
        AttentionShape shape = specification.Shape;
        double pairs = (double)shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.KeyLength;
        double median = Medians.Of(contender.AttendMilliseconds);
        return new BenchmarkResult(
            contender.Operation, contender.Kernel, median, contender.AttendMilliseconds.Min(), Medians.Of(contender.PackingMilliseconds),
            median * 1e6 * clockGigahertz * Math.Min(specification.Threads, Environment.ProcessorCount) / pairs, cosineSimilarity, relativeError, contender.AllocatedBytes, clockGigahertz);
    }
}
