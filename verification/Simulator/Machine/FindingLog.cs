using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>Findings of one runner: the first of each kind, array and line, and how many followed.</summary>
internal sealed class FindingLog
{
    private readonly Dictionary<Key, Entry> _entries = [];

    public void Clear() => _entries.Clear();

    public void Add(
        FindingKind kind, string array, long index, int lane, int otherLane, long groupNumber, Index3D group, Site site, string message)
    {
        var key = new Key(kind, array, site);
        if (_entries.TryGetValue(key, out Entry? entry))
            entry.Count++;
        else
            _entries.Add(key, new Entry(index, lane, otherLane, groupNumber, group, message, _entries.Count) { Count = 1 });
    }

    /// <summary>The findings of all runners of a launch, as one runner would have made them.</summary>
    public static (List<Finding> Findings, int Distinct) Merge(IEnumerable<FindingLog> logs, string kernel, int limit)
    {
        var merged = new Dictionary<Key, Entry>();
        foreach (FindingLog log in logs)
        {
            foreach ((Key key, Entry entry) in log._entries)
            {
                if (!merged.TryGetValue(key, out Entry? other))
                {
                    merged.Add(key, entry);
                    continue;
                }
                Entry first = entry.GroupNumber < other.GroupNumber ? entry : other;
                merged[key] = first with { Count = entry.Count + other.Count };
            }
        }
        // Findings of one group come from one runner, so their order there is theirs here.
        List<Finding> findings = [.. merged
            .OrderBy(pair => pair.Value.GroupNumber).ThenBy(pair => pair.Value.Order)
            .Take(limit)
            .Select(pair => new Finding(
                pair.Key.Kind, kernel, pair.Key.Array, pair.Value.Index, pair.Value.Lane, pair.Value.OtherLane, pair.Value.Group,
                pair.Key.Site.ToString(), pair.Value.Message, pair.Value.Count))];
        return (findings, merged.Count);
    }

    private readonly record struct Key(FindingKind Kind, string Array, Site Site);

    private sealed record Entry(long Index, int Lane, int OtherLane, long GroupNumber, Index3D Group, string Message, int Order)
    {
        public long Count { get; set; }
    }
}
