using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Two events of the CUDA driver: the time between them on the device, without what the host adds.</summary>
internal sealed class CudaTimer : StreamTimer
{
    private readonly ICudaDriver driver;
    private readonly LaunchStream stream;
    private readonly nint start;
    private readonly nint stop;

    public CudaTimer(ICudaDriver driver, LaunchStream stream)
    {
        (this.driver, this.stream) = (driver, stream);
        driver.Bind();
        Require(driver.CreateEvent(out start));
        Require(driver.CreateEvent(out stop));
    }

    public override void Start() => Record(start);

    public override void Stop() => Record(stop);

    public override double Milliseconds()
    {
        driver.Bind();
        Require(driver.WaitForEvent(stop));
        Require(driver.ElapsedTime(start, stop, out float milliseconds));
        return milliseconds;
    }

    /// <summary>Events of a destroyed context are gone, which is no error here.</summary>
    public override void Dispose()
    {
        driver.Bind();
        driver.DestroyEvent(start);
        driver.DestroyEvent(stop);
    }

    private void Record(nint marker)
    {
        driver.Bind();
        Require(driver.RecordEvent(marker, stream.Handle));
    }

    private void Require(CudaError error)
    {
        if (error != CudaError.CUDA_SUCCESS) throw stream.Fault(driver.Failure(error));
    }
}
