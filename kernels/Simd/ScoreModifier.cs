namespace AttnKernels.Simd;

/// <summary>
/// The user's score modifier as the kernels call it: once for a stretch of keys of one query, so that the call costs nothing.
/// </summary>
public unsafe struct ModifierArgs
{
    /// <summary>
    /// Modifies <c>count</c> scores, <c>step</c> floats apart, of the pairs from <c>first</c> on, key by key. A score is a number of
    /// <c>unit</c>s. Null: no modifier.
    /// </summary>
    internal delegate*<void*, float*, nint, int, ScorePosition, float, void> Apply;

    /// <summary>The modifier's values, which stay where they are while kernels run.</summary>
    internal void* State;

    /// <summary>The batch entry that the kernel's entry 0 is: a sequence runs as a call of its own.</summary>
    internal int Batch;

    internal readonly bool IsPresent => Apply != null;
}

/// <summary>A modifier with the tables of a run. The JIT compiles its loop with the user's code in it.</summary>
public unsafe struct ScoreModifier<TRule>
    where TRule : unmanaged, IScoreModifier
{
    public TRule Rule;
    public PointerTables Tables;

    /// <summary>What kernels receive; <paramref name="modifier"/> must stay where it is until they are done.</summary>
    public static ModifierArgs Of(ScoreModifier<TRule>* modifier) => new() { Apply = &Apply, State = modifier };

    private static void Apply(void* state, float* scores, nint step, int count, ScorePosition at, float unit)
    {
        TRule rule = ((ScoreModifier<TRule>*)state)->Rule;
        PointerTables tables = ((ScoreModifier<TRule>*)state)->Tables;
        float inverse = 1 / unit;
        for (; count > 0; count--, scores += step, at.Key++)
        {
            // A key that a bias of minus infinity hides stays hidden.
            if (!float.IsNegativeInfinity(*scores)) *scores = rule.Score(*scores * unit, at, tables) * inverse;
        }
    }
}

/// <summary>Tables in the host's memory.</summary>
public unsafe struct PointerTables : IScoreTables
{
    public float* Floats;
    public int* Ints;
    public int FloatCount;
    public int IntCount;

    public readonly float Float(int index) => (uint)index < (uint)FloatCount ? Floats[index] : float.NaN;

    public readonly int Int(int index) => (uint)index < (uint)IntCount ? Ints[index] : int.MinValue;
}
