using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

/// <summary>What the small kernels of these tests receive.</summary>
internal struct LabArgs
{
    public ArrayView<float> X;
    public ArrayView<float> Y;
    public ArrayView<int> N;
    public int Mode;
}

internal struct Float4
{
    public float A, B, C, D;
}

/// <summary>A device with buffers x and y of floats and n of ints, x[i] = i, the others zero.</summary>
internal sealed class Lab : IDisposable
{
    public const int Length = 4096;

    public Lab(SimulatorOptions? options = null)
    {
        Device = new SimulatedDevice(options);
        X = Device.Allocate(Length * sizeof(float), "x");
        Y = Device.Allocate(Length * sizeof(float), "y");
        N = Device.Allocate(64 * sizeof(int), "n");
        for (int i = 0; i < Length; i++)
            X.Span<float>()[i] = i;
        Y.Span<float>().Clear();
        N.Span<int>().Clear();
    }

    public SimulatedDevice Device { get; }

    public SimulatedBuffer X { get; }

    public SimulatedBuffer Y { get; }

    public SimulatedBuffer N { get; }

    public LabArgs Args(int mode) => new() { X = X.View<float>(), Y = Y.View<float>(), N = N.View<int>(), Mode = mode };

    public LaunchReport Launch(Action<LabArgs> kernel, int group, int grid = 1, int mode = 0, int dynamicSharedBytes = 0) =>
        Device.Launch(kernel, Args(mode), (grid, 1, 1), (group, 1, 1), dynamicSharedBytes);

    public static LaunchReport Run(Action<LabArgs> kernel, int group, int grid = 1, int mode = 0, int dynamicSharedBytes = 0)
    {
        using var lab = new Lab();
        return lab.Launch(kernel, group, grid, mode, dynamicSharedBytes);
    }

    /// <summary>The only finding of a report, which must be of this kind and say where it was.</summary>
    public static Finding TheFinding(LaunchReport report, FindingKind kind)
    {
        Finding finding = report.Findings.Should().ContainSingle().Which;
        finding.Kind.Should().Be(kind, finding.Message);
        finding.Kernel.Should().Be(report.Kernel);
        finding.Site.Should().MatchRegex("^[A-Za-z]+Tests\\.cs:[0-9]+$");
        return finding;
    }

    public void Dispose() => Device.Dispose();
}
