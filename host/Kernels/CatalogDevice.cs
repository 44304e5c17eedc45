using AttnKernels.Devices.Cpu;
using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The kernel tables without a device: plans choose their kernels, which are not compiled and cannot run. It has the limits that every CUDA
/// device keeps, and no features beyond them.
/// </summary>
internal sealed class CatalogDevice() : KernelDevice(
    new DeviceInfo("catalog", "kernel tables, nothing runs", DeviceKind.IlgpuCpu)
    {
        MaxThreadsPerGroup = 1024,
        SharedMemoryPerGroup = 48 * 1024,
        SharedMemoryPerMultiprocessor = 48 * 1024,
        WarpSize = 32,
    })
{
    public override StreamBackend DefaultStream { get; } = new CpuStream();

    public override StreamBackend CreateStream() => throw NothingRuns();

    public override DeviceBuffer Allocate(long bytes) => AllocateScratch(bytes);

    public override DeviceBuffer AllocateScratch(long bytes) => new Nothing(this, bytes);

    public override ArrayView<T> View<T>(DeviceBuffer? buffer) => default;

    public override void Upload(StreamBackend stream, ReadOnlySpan<byte> source, DeviceBuffer target, long targetByte) =>
        throw NothingRuns();

    public override void Download(StreamBackend stream, DeviceBuffer source, long sourceByte, Span<byte> target) => throw NothingRuns();

    public override void Fill(StreamBackend stream, DeviceBuffer target, long targetByte, long bytes, byte value) => throw NothingRuns();

    public override void Synchronize()
    {
    }

    protected override LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry) => new Uncompiled<TArgs>();

    protected override void DisposeDevice()
    {
    }

    private static InvalidOperationException NothingRuns() => new("The catalog device has no memory and runs nothing.");

    private sealed class Nothing(DeviceBackend backend, long bytes) : DeviceBuffer(backend, bytes)
    {
        protected override void Free()
        {
        }
    }

    private sealed class Uncompiled<TArgs> : LoadedKernel<TArgs>
        where TArgs : struct
    {
        public override void Launch(DeviceStream stream, int groups, in TArgs args) => throw NothingRuns();
    }
}
