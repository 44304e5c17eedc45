using System.Globalization;
using System.Text.RegularExpressions;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// Edits of the PTX text that ILGPU 1.5.3 writes: what its API cannot ask for. Each takes a module with one entry point and returns it
/// changed; they may be applied in any order.
/// </summary>
internal static partial class PtxText
{
    /// <summary>Static shared memory of a kernel (CUDA C++ programming guide, table of technical specifications).</summary>
    public const int StaticSharedLimit = 48 * 1024;

    private const string DynamicShared = "sharedMemory";

    /// <summary>
    /// Numbers names in the order in which they appear. ILGPU ends them with a count of all that the process has compiled so far, and the
    /// same kernel should have the same text.
    /// </summary>
    public static string NumberNames(string ptx)
    {
        Dictionary<string, int> numbers = [];
        return NumberPattern().Replace(ptx, number =>
        {
            if (!numbers.TryGetValue(number.Value, out int own)) numbers.Add(number.Value, own = numbers.Count);
            return own.ToString(CultureInfo.InvariantCulture);
        });
    }

    /// <summary>
    /// Names the device's real architecture, up to sm_90 (newer devices take it, too): ILGPU stops at sm_80. PTX ISA 7.8 is the first that
    /// knows sm_89 and sm_90.
    /// </summary>
    public static string Retarget(string ptx, int major, int minor)
    {
        (int Major, int Minor) target = (major, minor).CompareTo((9, 0)) > 0 ? (9, 0) : (major, minor);
        ptx = TargetPattern().Replace(ptx, $".target sm_{target.Major}{target.Minor}", 1);
        if (target.CompareTo((8, 9)) < 0) return ptx;
        return VersionPattern().Replace(
            ptx,
            version => (Number(version, 1), Number(version, 2)).CompareTo((7, 8)) < 0 ? ".version 7.8" : version.Value,
            1);
    }

    /// <summary>
    /// Takes .uni from conditional branches. It promises that all lanes branch alike, and ILGPU promises it of any condition that is not
    /// computed from the lane's number, even of a variable that lanes set apart from one another in an earlier branch; what a GPU does then
    /// is undefined. ptxas finds out by itself what is uniform.
    /// </summary>
    public static string RemoveUniform(string ptx) => UniformBranchPattern().Replace(ptx, "$1bra");

    /// <summary>
    /// Forbids ptxas to unroll loops. What a tile needs unrolled is so already; unrolled further, 23 of the kernels spill registers.
    /// </summary>
    public static string KeepLoops(string ptx) => AddressSizePattern().Replace(ptx, "$0\n.pragma \"nounroll\";", 1);

    /// <summary>
    /// Lets powers of two below 2^-126 become 0, as the bounds allow: the hardware's ex2 does so by itself, and without it every
    /// exponential takes a comparison and two products more.
    /// </summary>
    public static string FlushPowers(string ptx) => ptx.Replace("ex2.approx.f32", "ex2.approx.ftz.f32", StringComparison.Ordinal);

    /// <summary>Tells ptxas the group size, and how many groups a multiprocessor should hold at once; 0 = any number.</summary>
    public static string BoundLaunch(string ptx, int lanes, int groupsPerMultiprocessor)
    {
        string minimum = groupsPerMultiprocessor > 0 ? $"\n.minnctapersm {groupsPerMultiprocessor}" : "";
        return EntryPattern().Replace(ptx, $"$1$2$3\n.maxntid {lanes}, 1, 1{minimum}", 1);
    }

    /// <summary>
    /// Lays the static shared arrays one after the other into one array whose size the launch gives: the only kind that may pass
    /// <see cref="StaticSharedLimit"/>.
    /// </summary>
    /// <param name="ptx">The module.</param>
    /// <param name="bytes">What a launch must ask for.</param>
    public static string MoveToDynamicShared(string ptx, out int bytes)
    {
        Dictionary<string, int> offsets = [];
        int end = 0;
        int alignment = 16;
        string body = SharedPattern().Replace(ptx, array =>
        {
            int align = Number(array, 1);
            alignment = Math.Max(alignment, align);
            int start = (end + align - 1) / align * align;
            offsets.Add(array.Groups[2].Value, start);
            end = start + Number(array, 3);
            return "";
        });
        bytes = end;
        if (offsets.Count == 0) return ptx;
        body = WordPattern().Replace(
            body, word => offsets.TryGetValue(word.Value, out int offset) ? $"{DynamicShared}+{offset}" : word.Value);
        return EntryPattern().Replace(body, $".extern .shared .align {alignment} .b8 {DynamicShared}[];\n\n$1$2$3", 1);
    }

    /// <summary>The name of the entry point.</summary>
    public static string EntryName(string ptx) => Entry(ptx).Groups[2].Value;

    /// <summary>Size in bytes of the one parameter, a structure.</summary>
    public static int ParameterBytes(string ptx)
    {
        MatchCollection parameters = ParameterPattern().Matches(Entry(ptx).Groups[3].Value);
        if (parameters.Count != 1) throw new FormatException($"A kernel takes one structure; this entry has {parameters.Count} of them.");
        return Number(parameters[0], 1);
    }

    private static Match Entry(string ptx)
    {
        Match entry = EntryPattern().Match(ptx);
        return entry.Success ? entry : throw new FormatException("The PTX text has no entry point.");
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<=\w_)(?<!\bsm_)\d+\b")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(@"^\.target sm_\w+", RegexOptions.Multiline)]
    private static partial Regex TargetPattern();

    [GeneratedRegex(@"^\.version (\d+)\.(\d+)", RegexOptions.Multiline)]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"^\.address_size 64", RegexOptions.Multiline)]
    private static partial Regex AddressSizePattern();

    [GeneratedRegex(@"(@!?%p\d+ )bra\.uni")]
    private static partial Regex UniformBranchPattern();

    [GeneratedRegex(@"(\.visible \.entry )(\w+)(\s*\([^)]*\))")]
    private static partial Regex EntryPattern();

    [GeneratedRegex(@"\.param \.align \d+ \.b8 \w+\[(\d+)\]")]
    private static partial Regex ParameterPattern();

    [GeneratedRegex(@"^[ \t]*\.shared \.align (\d+) \.b8 (\w+)\[(\d+)\];[ \t]*\r?\n", RegexOptions.Multiline)]
    private static partial Regex SharedPattern();

    [GeneratedRegex(@"\w+")]
    private static partial Regex WordPattern();
}
