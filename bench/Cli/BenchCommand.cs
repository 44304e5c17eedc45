using System.CommandLine;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers;

namespace AttnKernels.Bench.Cli;

/// <summary>The command line of run-bench.sh.</summary>
public static class BenchCommand
{
    /// <summary>Threads where --threads is not given.</summary>
    public static int AllThreads { get; } = Machine.Current.Processors;

    /// <summary>The command; <paramref name="run"/> gets the options and returns the exit code.</summary>
    public static RootCommand Create(Func<BenchOptions, int> run)
    {
        var quick = new Option<bool>("--quick") { Description = "the main workloads in fp32, within five minutes on two cores (default)" };
        var full = new Option<bool>("--full") { Description = "all workloads, fp32, fp16 and bf16, more rounds, slow peers too" };
        var device = new Option<string>("--device") { Description = "devices by name, comma-separated; default: every GPU and the CPU" };
        var workload = new Option<string>("--workload") { Description = "workloads by name, with * and ?, comma-separated; see --list" };
        var dtype = new Option<string>("--dtype") { Description = "fp32, fp16, bf16, comma-separated, or all" };
        var threads = new Option<int>("--threads")
        {
            Description = "threads of the CPU device and its peers; default: all processors",
            DefaultValueFactory = _ => AllThreads,
        };
        var peers = new Option<string>("--peers")
        {
            Description = $"{string.Join(", ", PeerCatalog.Names)}, comma-separated, or all, or none; default: those that are present",
        };
        var json = new Option<string>("--json") { Description = "also write the records of all devices to this file" };
        var output = new Option<string>("--out")
        {
            Description = "folder of the report; default: bench/results, for a part of the workloads artifacts/bench",
        };
        var list = new Option<bool>("--list") { Description = "say which devices, workloads and peers there are" };
        var host = new Option<bool>("--host") { Description = "measure planning, run overhead and allocations with BenchmarkDotNet" };
        var forms = new Option<bool>("--forms")
        {
            Description = "measure how every form of attention grows with the keys, and packed batches beside padded ones",
        };
        var readme = new Option<bool>("--update-readme") { Description = "only refresh the table of README.md from bench/results" };
        var firstCall = new Option<bool>("--first-call") { Hidden = true };
        var queueTime = new Option<bool>("--queue-time") { Hidden = true };

        var command = new RootCommand("Verifies and times the kernels on the workloads of real models, next to other implementations.")
        {
            quick, full, device, workload, dtype, threads, peers, json, output, list, host, forms, readme, firstCall, queueTime,
        };
        command.SetAction(parse =>
        {
            try
            {
                return run(Validate(new BenchOptions
                {
                    Full = parse.GetValue(full),
                    Devices = Split(parse.GetValue(device)),
                    Workloads = Split(parse.GetValue(workload)),
                    Types = parse.GetValue(dtype) is { } types ? TypeNames.Parse(types) : [],
                    Threads = parse.GetValue(threads),
                    Peers = parse.GetValue(peers) is { } names ? ParsePeers(names) : null,
                    JsonFile = parse.GetValue(json),
                    OutFolder = parse.GetValue(output),
                    List = parse.GetValue(list),
                    Host = parse.GetValue(host),
                    Forms = parse.GetValue(forms),
                    UpdateReadme = parse.GetValue(readme),
                    FirstCall = parse.GetValue(firstCall),
                    QueueTime = parse.GetValue(queueTime),
                }, parse.GetValue(quick)));
            }
            catch (OptionException e)
            {
                parse.InvocationConfiguration.Error.WriteLine(e.Message);
                return 2;
            }
        });
        return command;
    }

    private static BenchOptions Validate(BenchOptions options, bool quick)
    {
        if (quick && options.Full) throw new OptionException("--quick and --full exclude each other");
        if (options.Threads < 1 || options.Threads > AllThreads)
            throw new OptionException($"--threads {options.Threads}: there are 1 to {AllThreads}");
        IReadOnlyList<DeviceInfo> devices = AttentionDevice.List();
        foreach (string name in options.Devices)
        {
            if (devices.All(d => d.Name != name))
                throw new OptionException(
                    $"--device {name}: there are {string.Join(", ", devices.Select(d => d.Name))} (kernel API {KernelApi.Name})");
        }
        _ = WorkloadSelection.Of(options);
        return options;
    }

    private static string[] ParsePeers(string list)
    {
        if (list == "all") return ["all"];
        if (list == "none") return [];
        string[] names = Split(list);
        string? unknown = names.FirstOrDefault(n => !PeerCatalog.Names.Contains(n));
        return unknown is null
            ? names
            : throw new OptionException($"--peers {unknown}: there are {string.Join(", ", PeerCatalog.Names)}, all and none");
    }

    private static string[] Split(string? list) =>
        list?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
