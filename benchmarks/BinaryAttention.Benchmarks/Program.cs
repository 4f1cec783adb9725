// dotnet run -c Release --project benchmarks/BinaryAttention.Benchmarks -- --filter '*Attention*'
using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
