using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AttnKernels.Simulation;

/// <summary>A line of source.</summary>
internal readonly record struct Site(string File, int Line)
{
    public override string ToString() => Line == 0 ? "unknown line" : $"{Path.GetFileName(File)}:{Line}";
}

/// <summary>Small numbers for lines of source.</summary>
internal sealed class SiteTable
{
    private const int CacheSize = 256;

    private readonly Dictionary<Site, ushort> _numbers = [];
    private readonly List<Site> _sites = [];
    private readonly List<bool> _stores = [];
    private Assembly? _kernels;
    private readonly CacheEntry[] _cache = new CacheEntry[CacheSize];

    public int Count => _sites.Count;

    public Site this[int number] => _sites[number];

    /// <summary>Whether every access at a line is a whole store; see <see cref="StoreSites"/>.</summary>
    public bool IsStore(int number) => _stores[number];

    /// <summary>The next sites are lines of kernels in this assembly.</summary>
    public void Enter(Assembly kernels)
    {
        if (_kernels == kernels)
            return;
        _kernels = kernels;
        for (int n = 0; n < _sites.Count; n++)
            _stores[n] = StoreSites.Of(kernels).Contains(_sites[n]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int NumberOf(string file, int line)
    {
        // File names of calls are literals, so the same name is the same object.
        ref CacheEntry entry = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_cache), (line + file.Length) & (CacheSize - 1));
        return entry.Line == line && ReferenceEquals(entry.File, file) ? entry.Number : Find(ref entry, file, line);
    }

    private int Find(ref CacheEntry entry, string file, int line)
    {
        var site = new Site(file, line);
        if (!_numbers.TryGetValue(site, out ushort number))
        {
            number = checked((ushort)_sites.Count);
            _sites.Add(site);
            _stores.Add(_kernels is not null && StoreSites.Of(_kernels).Contains(site));
            _numbers.Add(site, number);
        }
        entry = new CacheEntry(file, line, number);
        return number;
    }

    private readonly record struct CacheEntry(string? File, int Line, ushort Number);
}
