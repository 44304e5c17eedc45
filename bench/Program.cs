using AttnKernels.Bench;
using AttnKernels.Bench.Cli;

return BenchCommand.Create(BenchProgram.Run).Parse(args).Invoke();
