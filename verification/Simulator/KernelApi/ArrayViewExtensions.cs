using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU.Runtime;

/// <summary>Extensions of <see cref="ArrayView{T}"/> that kernels use.</summary>
public static unsafe class ArrayViewExtensions
{
    /// <summary>Promises that the view starts on a multiple of <paramref name="alignmentInBytes"/>; a broken promise is reported.</summary>
    public static ArrayView<T> AsAligned<T>(
        this ArrayView<T> view, int alignmentInBytes, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        if (((nuint)view.Start & (nuint)(alignmentInBytes - 1)) != 0)
            ViewFaults.BrokenAlignment(view, alignmentInBytes, file, line);
        return view;
    }

    /// <summary>The part before the first multiple of <paramref name="alignmentInBytes"/>, and the part from there on.</summary>
    public static (ArrayView<T> Prefix, ArrayView<T> Main) AlignTo<T>(this ArrayView<T> view, int alignmentInBytes)
        where T : unmanaged
    {
        long misalignment = (long)((nuint)view.Start & (nuint)(alignmentInBytes - 1));
        long skip = misalignment == 0 ? 0 : Math.Min((alignmentInBytes - misalignment) / sizeof(T), view.Length);
        return (
            new ArrayView<T>(view.Region, view.Start, skip),
            new ArrayView<T>(view.Region, view.Start + skip * sizeof(T), view.Length - skip));
    }
}
