using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>
/// A device that runs kernels lane by lane on this machine and reports what they do wrong. Launches return when the kernel has
/// ended. Launches of one device run one after another; buffers may be used from several threads.
/// </summary>
/// <remarks>
/// <para>
/// A lane runs until a barrier, a shuffle or its end, then the next one; lanes, warps and groups go in order. So everything here is
/// deterministic: values, findings and counters. A kernel in which a lane waits for another by polling memory does not end.
/// </para>
/// <para>
/// What is found depends on the run: a mistake on a path not taken is not seen. An access counts as a write if its line only stores, or if
/// the bytes differ after it: of a write of what is there already on a line that reads, too, no race is reported. Reads of
/// uninitialised shared memory are not looked for in elements of one byte. References moved by Unsafe.Add are not checked.
/// Shuffles order no memory accesses; a warp barrier does, among the lanes of its warp.
/// </para>
/// <para>
/// Race checks of device memory keep 32 bytes for every 4 bytes touched (for every 2 or 1, once something smaller was accessed).
/// </para>
/// </remarks>
public sealed class SimulatedDevice : IDisposable
{
    private readonly Lock _launching = new();
    private readonly List<SimulatedBuffer> _buffers = [];
    private readonly GroupRunner _runner;
    private bool _disposed;

    /// <summary>A device with the given or the default options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range.</exception>
    public SimulatedDevice(SimulatorOptions? options = null)
    {
        Options = options ?? new SimulatorOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.WarpSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.WarpSize, 64);
        if (!int.IsPow2(Options.WarpSize))
            throw new ArgumentOutOfRangeException(nameof(options), Options.WarpSize, "The warp size is a power of two.");
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.MaxThreadsPerGroup, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.MaxThreadsPerGroup, 1024);
        ArgumentOutOfRangeException.ThrowIfNegative(Options.SharedMemoryPerGroup);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.SharedMemoryPerGroup, 16 << 20);
        _runner = new GroupRunner(Options);
    }

    /// <summary>What the machine is like.</summary>
    public SimulatorOptions Options { get; }

    /// <summary>Device memory of <paramref name="bytes"/> bytes, 256-byte aligned and filled with NaN patterns.</summary>
    /// <param name="bytes">Size, 0 or more.</param>
    /// <param name="name">Name in findings.</param>
    public SimulatedBuffer Allocate(long bytes, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_buffers)
        {
            var buffer = new SimulatedBuffer(this, bytes, name);
            _buffers.Add(buffer);
            return buffer;
        }
    }

    /// <summary>Runs a kernel for every lane of every group and reports what it did.</summary>
    /// <param name="kernel">A static method; its IL runs as it is.</param>
    /// <param name="args">The argument that every lane receives.</param>
    /// <param name="grid">Groups along each axis, at least 1.</param>
    /// <param name="group">Lanes of a group along each axis, at least 1.</param>
    /// <param name="dynamicSharedBytes">Size of what <see cref="SharedMemory.GetDynamic{T}"/> gives.</param>
    /// <exception cref="ArgumentOutOfRangeException">The group or its dynamic shared memory is larger than the device's.</exception>
    /// <exception cref="SimulationException">There are findings and <see cref="SimulatorOptions.ThrowOnFinding"/> is set.</exception>
    public LaunchReport Launch<TArgs>(Action<TArgs> kernel, in TArgs args, Index3D grid, Index3D group, int dynamicSharedBytes = 0)
        where TArgs : struct
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (grid.X < 1 || grid.Y < 1 || grid.Z < 1)
            throw new ArgumentOutOfRangeException(nameof(grid), grid, "A grid has at least one group along each axis.");
        if (group.X < 1 || group.Y < 1 || group.Z < 1 || group.LongSize > Options.MaxThreadsPerGroup)
            throw new ArgumentOutOfRangeException(nameof(group), group, $"A group has 1 to {Options.MaxThreadsPerGroup} lanes.");
        ArgumentOutOfRangeException.ThrowIfNegative(dynamicSharedBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dynamicSharedBytes, Options.SharedMemoryPerGroup);

        var call = new KernelCall<TArgs>(kernel, args);
        LaunchReport report;
        lock (_launching)
        {
            if (Options.Check) _runner.Sites.Enter(kernel.Method.Module.Assembly);
            _runner.Run(call, grid, group, dynamicSharedBytes);
            CheckGuards();
            report = Report(ReadableName.Of(kernel.Method), grid, group);
        }
        if (Options.ThrowOnFinding && !report.IsClean)
            throw new SimulationException(report);
        return report;
    }

    /// <summary>Frees the device and its buffers.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        SimulatedBuffer[] buffers;
        lock (_buffers)
            buffers = [.. _buffers];
        foreach (SimulatedBuffer buffer in buffers)
            buffer.Dispose();
        _runner.Dispose();
    }

    internal void Remove(SimulatedBuffer buffer)
    {
        lock (_buffers)
            _buffers.Remove(buffer);
    }

    private void CheckGuards()
    {
        if (!Options.Check)
            return;
        lock (_buffers)
        {
            foreach (SimulatedBuffer buffer in _buffers)
            {
                if (buffer.GuardsAreIntact())
                    continue;
                _runner.Findings.Add(FindingKind.OutOfBounds, buffer.Name, -1, -1, -1, default, default,
                    $"something wrote around {buffer.Name}, past what views allow.");
                buffer.RestoreGuards();
            }
        }
    }

    private LaunchReport Report(string kernel, Index3D grid, Index3D group) => new()
    {
        Kernel = kernel,
        Grid = grid,
        Group = group,
        Findings = _runner.Findings.ToList(kernel, Options.MaxFindings),
        DistinctFindings = _runner.Findings.Count,
        Sites = CountersBySite(),
        BarriersPerGroup = _runner.MostBarriers,
        WarpCollectives = _runner.WarpCollectives,
        SharedBytesPerGroup = _runner.Arena.MostUsed,
        UncountedAccesses = _runner.UncountedAccesses,
    };

    private List<SiteCounters> CountersBySite()
    {
        ReadOnlySpan<SiteTotals> totals = _runner.Counter.Totals;
        var counters = new List<(Site Site, SiteCounters Counters)>();
        for (int i = 0; i < totals.Length; i++)
        {
            SiteTotals t = totals[i];
            if (t.IsEmpty)
                continue;
            Site site = _runner.Sites[i];
            counters.Add((site, new SiteCounters(site.ToString(), t.Loads, t.Stores, t.Atomics, t.Shared)));
        }
        return [.. counters.OrderBy(x => x.Site.File, StringComparer.Ordinal).ThenBy(x => x.Site.Line).Select(x => x.Counters)];
    }
}
