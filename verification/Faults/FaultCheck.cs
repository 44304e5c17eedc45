using AttnKernels.Kernels;
using ILGPU;

namespace AttnKernels.Verification;

/// <summary>Something that a device promises for the case of a fault.</summary>
/// <param name="Promise">What is promised.</param>
/// <param name="Failure">How it is broken; null where it is kept.</param>
public sealed record FaultResult(string Promise, string? Failure);

/// <summary>
/// Lets a kernel write where there is no memory, and checks what the library promises then: the exception names kernel, problem and device,
/// a lost device refuses further work, other devices go on, and the device can be opened anew.
/// </summary>
public static class FaultCheck
{
    private const string Kernel = "WriteNowhere";
    private const string Computed = "a write behind all memory";

    /// <summary>A case that every device can run.</summary>
    private const string Small = "matmul float32 37x27";

    // A terabyte behind the buffer: no GPU has so much.
    private const long Nowhere = 1L << 38;

    /// <summary>Whether a device survives such a kernel, or at least this process does: the others address this process's memory.</summary>
    public static bool CanRun(DeviceInfo device) => device.Kind is DeviceKind.Cuda or DeviceKind.Simulator;

    /// <summary>Checks the device that <paramref name="open"/> opens, several times.</summary>
    /// <exception cref="NotSupportedException">The kernel could overwrite what is this process's.</exception>
    public static IReadOnlyList<FaultResult> Run(Func<AttentionDevice> open)
    {
        List<FaultResult> results = [];
        using AttentionDevice neighbour = open();
        if (!CanRun(neighbour.Info))
            throw new NotSupportedException($"Device {neighbour.Info.Name} shares this process's memory, which a wild write would damage.");
        using (AttentionDevice device = open())
        {
            Check("a kernel runs", () => Compute(device));
            Check("a second context of the device does, too", () => Compute(neighbour));
            DeviceFaultException? fault = null;
            Check("a write behind all memory becomes an exception", () => fault = Provoke(device));
            Check("it names the kernel", () => Require(fault?.Kernel == Kernel, fault?.Kernel));
            Check("it names the problem", () => Require(fault?.Problem == Computed, fault?.Problem));
            Check("it names the device", () => Require(fault?.Device == device.Info.Name, fault?.Device));
            if (fault?.IsDeviceLost == true) Check("the lost device refuses further work, and says to open it anew", () => Refuse(device));
            else Check("the device goes on, since it is not lost", () => Compute(device));
            Check("the second context goes on", () => Compute(neighbour));
            Check("the CPU goes on", () =>
            {
                using AttentionDevice cpu = AttentionDevice.Open("cpu");
                Compute(cpu);
            });
        }
        Check("the device works when it is opened anew", () =>
        {
            using AttentionDevice anew = open();
            Compute(anew);
        });
        return results;

        void Check(string promise, Action action)
        {
            string? failure = null;
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e.Message;
            }
            results.Add(new FaultResult(promise, failure));
        }
    }

    /// <summary>A kernel of the library, against its reference.</summary>
    private static void Compute(AttentionDevice device)
    {
        VerificationReport report = Verifier.Run(device, Small);
        Require(report.Results.Count > 0, $"there is no case {Small}");
        CaseResult? failed = report.Results.FirstOrDefault(result => result.Outcome != Outcome.Passed);
        Require(failed is null, $"{failed?.Case.Title}: {failed?.Detail}");
    }

    private static DeviceFaultException Provoke(AttentionDevice device)
    {
        KernelDevice backend = (KernelDevice)device.Backend;
        using DeviceBuffer data = backend.Allocate(32 * sizeof(float));
        KernelEntry<NowhereArgs> entry = new(Kernel, WriteNowhere, 32, 0);
        LoadedKernel<NowhereArgs> kernel = backend.Load(entry);
        try
        {
            using (device.DefaultStream.Enter(Computed))
                kernel.Launch(device.DefaultStream, 1, new NowhereArgs { Data = backend.View<float>(data), Index = Nowhere });
            device.DefaultStream.Synchronize();
        }
        catch (DeviceFaultException fault)
        {
            return fault;
        }
        throw new InvalidOperationException("nothing was thrown");
    }

    private static void Refuse(AttentionDevice device)
    {
        try
        {
            device.Allocate(DType.Float32, 32).Dispose();
        }
        catch (DeviceFaultException again)
        {
            Require(again.IsDeviceLost && again.Message.Contains("opened anew", StringComparison.Ordinal), again.Message);
            return;
        }
        throw new InvalidOperationException("it allocates");
    }

    private static void Require(bool holds, string? otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise ?? "there is no exception");
    }

    private static void WriteNowhere(NowhereArgs args) => args.Data[args.Index + Group.IdxX] = 1f;

    private struct NowhereArgs
    {
        public ArrayView<float> Data;
        public long Index;
    }
}
