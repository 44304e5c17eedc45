using System.CommandLine;
using AttnKernels;
using AttnKernels.Cli.Commands;

RootCommand root = new("Attention kernels for .NET: matmul, softmax and masked attention on CUDA, OpenCL and CPU.\n"
    + $"Built with the kernel API {KernelApi.Name}: {KernelApi.Reach}.")
{
    DevicesCommand.Create(),
    VerifyCommand.Create(),
    FuzzCommand.Create(),
    ConformanceCommand.Create(),
    SanitizeCommand.Create(),
    MutateCommand.Create(),
    HeatmapCommand.Create(),
    TuneCommand.Create(),
    FaultsCommand.Create(),
    FeaturesCommand.Create(),
#if KERNEL_API_ILGPU
    CodegenCommand.Create(),
    CompileCommand.Create(),
#endif
};
return await root.Parse(args).InvokeAsync();
