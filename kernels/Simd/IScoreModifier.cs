namespace AttnKernels;

/// <summary>
/// A score rule of one's own: a struct that is compiled into the attention kernels of every device. It receives each score after softcap,
/// bias and ALiBi and returns the one to use; minus infinity hides the key from the query. Its fields are settings, given anew with every
/// run: numbers of 4 or 8 bytes, or structs of them.
/// </summary>
/// <remarks>
/// The same arguments must give the same result. It is asked only about pairs that no mask hides, maybe more than once, in any order. On
/// kernel devices its code must be code that ILGPU compiles: no allocation, no exception, no call that is virtual.
/// </remarks>
/// <example>
/// <code>
/// public readonly struct DilatedWindow(int reach, int step) : IScoreModifier
/// {
///     public float Score&lt;TTables&gt;(float score, in ScorePosition at, TTables tables)
///         where TTables : struct, IScoreTables
///     {
///         int back = at.Aligned - at.Key;
///         return back &gt;= 0 &amp;&amp; back &lt; reach &amp;&amp; back % step == 0 ? score : float.NegativeInfinity;
///     }
/// }
/// </code>
/// </example>
public interface IScoreModifier
{
    /// <summary>The score to use for the pair <paramref name="at"/>; natural units: its weight is exp(score) / sum of exp.</summary>
    /// <param name="score">scale * dot, after softcap, bias and ALiBi.</param>
    /// <param name="at">The pair.</param>
    /// <param name="tables">The numbers that the run was given.</param>
    /// <typeparam name="TTables">How the device reads them.</typeparam>
    float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables;
}

/// <summary>The read-only numbers of a run that a score modifier looks up.</summary>
public interface IScoreTables
{
    /// <summary>Element <paramref name="index"/> of the run's RuleFloats in row-major order; NaN where there is none.</summary>
    float Float(int index);

    /// <summary>Element <paramref name="index"/> of the run's RuleInts in row-major order; int.MinValue where there is none.</summary>
    int Int(int index);
}

/// <summary>A query and a key.</summary>
public struct ScorePosition
{
    /// <summary>Batch entry.</summary>
    public int Batch;

    /// <summary>Head of the query.</summary>
    public int Head;

    /// <summary>The query, from 0.</summary>
    public int Query;

    /// <summary>The key, from 0; in a ring, the n-th oldest that is still there.</summary>
    public int Key;

    /// <summary>
    /// The key on the query's diagonal, query + shift of the problem's alignment: the query's own position among the keys, which under
    /// bottom-right alignment counts the keys that a cache holds. Aligned - Key is how far back the key lies.
    /// </summary>
    public int Aligned;
}
