using System.Runtime.CompilerServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Ends an accelerator that may have lost its context.</summary>
internal static class LostAccelerator
{
    /// <summary>
    /// Disposes what the accelerator owns piece by piece, and then itself. Left to itself, ILGPU stops at the first piece that a lost
    /// context cannot free, so that the context keeps its memory, and the finalisers of the others bind the context, fail, and end the
    /// process.
    /// </summary>
    public static void Dispose(Accelerator accelerator)
    {
        ForEachChildObject<AcceleratorObject>(accelerator, child => Try(child.Dispose));
        bool isBound = Try(accelerator.Bind);
        Try(accelerator.Dispose);
        // ILGPU destroys a context only if it can bind it.
        if (!isBound && accelerator is CudaAccelerator) CudaAPI.CurrentAPI.DestroyContext(accelerator.NativePtr);
    }

    /// <summary>Whether it succeeds.</summary>
    public static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (AcceleratorException)
        {
            return false;
        }
    }

    /// <summary>ILGPU's own list, which it shows to derived classes only.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ForEachChildObject")]
    private static extern void ForEachChildObject<T>(Accelerator accelerator, Action<T> callback)
        where T : AcceleratorObject;
}
