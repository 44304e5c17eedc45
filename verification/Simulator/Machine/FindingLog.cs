using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>Findings of a launch: the first of each kind, array and line, and how many followed.</summary>
internal sealed class FindingLog
{
    private readonly Dictionary<Key, Entry> _entries = [];

    public int Count => _entries.Count;

    public void Clear() => _entries.Clear();

    public void Add(
        FindingKind kind, string array, long index, int lane, int otherLane, Index3D group, Site site, string message)
    {
        var key = new Key(kind, array, site);
        if (_entries.TryGetValue(key, out Entry? entry))
            entry.Count++;
        else
            _entries.Add(key, new Entry(index, lane, otherLane, group, message, _entries.Count) { Count = 1 });
    }

    /// <summary>The findings in the order in which they were first made, at most <paramref name="limit"/>.</summary>
    public List<Finding> ToList(string kernel, int limit) => [.. _entries
        .OrderBy(pair => pair.Value.Order)
        .Take(limit)
        .Select(pair => new Finding(
            pair.Key.Kind, kernel, pair.Key.Array, pair.Value.Index, pair.Value.Lane, pair.Value.OtherLane, pair.Value.Group,
            pair.Key.Site.ToString(), pair.Value.Message, pair.Value.Count))];

    private readonly record struct Key(FindingKind Kind, string Array, Site Site);

    private sealed record Entry(long Index, int Lane, int OtherLane, Index3D Group, string Message, int Order)
    {
        public long Count { get; set; }
    }
}
