using System.CommandLine;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn devices</c>: what is present.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Command command = new("devices", "Lists the devices that this build reaches on this machine.");
        command.SetAction(_ => Run());
        return command;
    }

    private static int Run()
    {
        Report.Banner();
        Table table = Report.Table("device", "hardware", "architecture", "memory", "units", "lanes/group", "shared/group", "warp");
        foreach (DeviceInfo device in AttentionDevice.List().Concat(CheckedDevices.Extra))
            table.AddRow(
                Markup.Escape(device.Name),
                Markup.Escape(device.Description),
                Markup.Escape(device.Architecture),
                $"{device.MemoryBytes / 1073741824.0:0.0} GiB",
                $"{device.ComputeUnits}",
                $"{device.MaxThreadsPerGroup}",
                device.SharedMemoryPerGroup == 0 ? "-" : $"{device.SharedMemoryPerGroup / 1024} KiB",
                $"{device.WarpSize}");
        Report.Write(table);
        using AttentionDevice best = AttentionDevice.Open();
        Console.WriteLine($"Default: {best.Name}");
        return Report.Success;
    }
}
