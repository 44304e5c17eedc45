using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>Finds libonnxruntime where npm put it, and lets npm put it there.</summary>
internal static class OrtInstallation
{
    /// <summary>How to get it, for the report.</summary>
    public const string HowToGet =
        "--peers onnxruntime installs the npm package onnxruntime-node (needs npm), or set ONNXRUNTIME_LIBRARY to the library";

    private const string Variable = "ONNXRUNTIME_LIBRARY";

    /// <summary>The library file, or null.</summary>
    public static string? Find(string folder)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return File.Exists(named) ? named : null;
        string package = Path.Combine(folder, "node_modules", "onnxruntime-node", "bin");
        if (!Directory.Exists(package)) return null;
        string system = OperatingSystem.IsWindows() ? "win32" : OperatingSystem.IsMacOS() ? "darwin" : "linux";
        string processor = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        string place = Path.Combine(system, processor);
        return Directory.EnumerateFiles(package, "*onnxruntime.*", SearchOption.AllDirectories)
            .Where(f => f.Contains(place, StringComparison.Ordinal))
            .FirstOrDefault(f => Path.GetFileName(f) is "libonnxruntime.so.1" or "onnxruntime.dll"
                || Path.GetFileName(f).EndsWith(".dylib", StringComparison.Ordinal));
    }

    /// <summary>
    /// Installs the package into <paramref name="folder"/> without running its scripts (they would download a CUDA build).
    /// </summary>
    /// <returns>What went wrong, or null.</returns>
    public static string? Install(string folder)
    {
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "npm.cmd" : "npm")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"])
            start.ArgumentList.Add(argument);
        try
        {
            using Process npm = Process.Start(start)!;
            Task<string> output = npm.StandardOutput.ReadToEndAsync();
            string errors = npm.StandardError.ReadToEnd();
            npm.WaitForExit();
            _ = output.Result;
            return npm.ExitCode == 0 ? null : $"npm install failed: {errors.Trim().Split('\n')[^1]}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "npm is not installed";
        }
    }
}
