using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// A kernel as the CUDA driver holds it: made from edited PTX, launched without ILGPU's launcher. The module lives as long as the context.
/// </summary>
internal sealed unsafe class CudaFunction<TArgs>
    where TArgs : struct
{
    private readonly ArgumentLayout<TArgs> layout = ArgumentLayout<TArgs>.Instance;
    private readonly nint function;
    private readonly int lanes;
    private readonly int dynamicBytes;

    /// <exception cref="NotSupportedException">The driver refuses the kernel; the message is its compiler's.</exception>
    /// <exception cref="CudaDriverException">The device is lost.</exception>
    public CudaFunction(ICudaDriver driver, string device, KernelEntry<TArgs> entry, KernelText ptx)
    {
        (Driver, lanes, dynamicBytes) = (driver, entry.GroupSize, ptx.DynamicSharedBytes);
        int declared = PtxText.ParameterBytes(ptx.Text);
        if (declared != layout.Bytes)
        {
            throw new InvalidOperationException(
                $"Kernel {entry.Name} takes {declared} bytes of arguments, but {typeof(TArgs).Name} was laid out in {layout.Bytes}.");
        }
        driver.Bind();
        Require(driver.LoadModule(ptx.Text, out nint module, out string? log), $"cannot load kernel {entry.Name}", log);
        Require(driver.GetFunction(module, PtxText.EntryName(ptx.Text), out function), $"does not find kernel {entry.Name}", null);
        if (dynamicBytes > 0)
        {
            Require(
                driver.AllowDynamicShared(function, dynamicBytes),
                $"refuses {dynamicBytes} bytes of shared memory to kernel {entry.Name}", null);
        }

        void Require(CudaError error, string what, string? compilerLog)
        {
            if (error == CudaError.CUDA_SUCCESS) return;
            CudaDriverException failure = driver.Failure(error);
            if (FaultKinds.EndsDevice(failure)) throw failure;
            string said = string.IsNullOrWhiteSpace(compilerLog) ? "" : $" {compilerLog.Trim('\0', ' ', '\n')}";
            throw new NotSupportedException($"Device {device} {what}: {failure.Message}{said}", failure);
        }
    }

    public ICudaDriver Driver { get; }

    public CudaError Launch(int groups, nint stream, in TArgs args)
    {
        TArgs copy = args;
        byte* parameter = stackalloc byte[layout.Bytes];
        layout.Write(ref copy, parameter);
        Driver.Bind();
        return Driver.Launch(function, groups, lanes, dynamicBytes, stream, parameter);
    }

    /// <summary>What the driver says of it; null where it says nothing.</summary>
    public KernelResources? Resources(KernelEntry entry)
    {
        Driver.Bind();
        return Driver.GetAttribute(function, FunctionAttribute.Registers, out int registers) == CudaError.CUDA_SUCCESS
            && Driver.GetAttribute(function, FunctionAttribute.LocalBytes, out int localBytes) == CudaError.CUDA_SUCCESS
            && Driver.GetGroupsAtOnce(function, lanes, dynamicBytes, out int groups) == CudaError.CUDA_SUCCESS
            ? KernelResources.Of(entry, registers, localBytes, groups, Driver.Limits())
            : null;
    }
}
