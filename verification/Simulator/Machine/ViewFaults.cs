using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>The rare side of views: accesses that go wrong, with the finding and a harmless place to go on with.</summary>
internal static unsafe class ViewFaults
{
    /// <summary>Reports an access outside a view, or to freed memory, and gives a scratch element that holds a NaN pattern.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside a kernel, or on a device without checks.</exception>
    public static T* OutOfBounds<T>(ArrayView<T> view, long index, string file, int line)
        where T : unmanaged
    {
        Lane? lane = Lane.Current;
        MemoryRegion? region = view.Region;
        var site = new Site(file, line);
        if (lane is null && region is { Alive: true } && (ulong)index < (ulong)view.Length)
            return (T*)view.Start + index;
        if (lane is null || !lane.Runner.Options.Check || sizeof(T) > Lane.SlotBytes)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"Outside a view of {view.Length} elements, {site}.");

        if (region is { Alive: false })
        {
            lane.Runner.Report(FindingKind.UseAfterFree, lane, region.Name, index, -1, site,
                $"lane {lane.Linear} accesses element {index} of {region.Name}, which has been disposed.");
        }
        else
        {
            lane.Runner.Report(FindingKind.OutOfBounds, lane, NameOf(region), Element(view, index), -1, site,
                $"lane {lane.Linear} accesses {Describe(view, index)}.");
        }
        Poison.Fill(lane.Scratch, Lane.SlotBytes);
        return (T*)lane.Scratch;
    }

    public static void SubView<T>(ArrayView<T> view, long index, long length, string file, int line)
        where T : unmanaged
    {
        if (Lane.Current is not { Runner.Options.Check: true } lane)
        {
            throw new ArgumentOutOfRangeException(
                nameof(index), $"[{index}, {index + length}) sticks out of a view of {view.Length} elements.");
        }
        lane.Runner.Report(FindingKind.OutOfBounds, lane, NameOf(view.Region), Element(view, index), -1, new Site(file, line),
            $"lane {lane.Linear} takes a sub-view of {length} elements from {index} on of a view of {view.Length} elements "
            + $"of {NameOf(view.Region)}.");
    }

    public static void Misaligned<T>(ArrayView<T> view, long index, string file, int line)
        where T : unmanaged
    {
        Lane lane = Lane.Here;
        lane.Runner.Report(FindingKind.Misaligned, lane, NameOf(view.Region), Element(view, index), -1, new Site(file, line),
            $"lane {lane.Linear} accesses element {index}, {sizeof(T)} bytes at byte offset {Offset(view, index)} "
            + $"of {NameOf(view.Region)}, which is no multiple of what that size needs.");
    }

    public static void BrokenAlignment<T>(ArrayView<T> view, int alignment, string file, int line)
        where T : unmanaged
    {
        if (Lane.Current is not { Runner.Options.Check: true } lane)
            throw new ArgumentException($"The view does not start on a multiple of {alignment} bytes.", nameof(alignment));
        lane.Runner.Report(FindingKind.Misaligned, lane, NameOf(view.Region), Element(view, 0), -1, new Site(file, line),
            $"lane {lane.Linear} takes byte offset {Offset(view, 0)} of {NameOf(view.Region)} for a multiple of {alignment}.");
    }

    private static string NameOf(MemoryRegion? region) => region?.Name ?? "an empty view";

    private static string Describe<T>(ArrayView<T> view, long index)
        where T : unmanaged =>
        view.Region is not { } region
            ? $"element {index} of an empty view"
            : $"element {index} of a view of {view.Length} elements that starts at element {Element(view, 0)} of {region.Name} "
            + $"({region.Bytes / sizeof(T)} elements)";

    private static long Offset<T>(ArrayView<T> view, long index)
        where T : unmanaged =>
        view.Region is { } region ? view.Start - region.Start + index * sizeof(T) : index * sizeof(T);

    // Element of the whole array, counted in elements of the view's type.
    private static long Element<T>(ArrayView<T> view, long index)
        where T : unmanaged =>
        view.Region is { } region ? (view.Start - region.Start) / sizeof(T) + index : index;
}
