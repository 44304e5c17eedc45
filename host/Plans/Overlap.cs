namespace AttnKernels.Plans;

/// <summary>
/// Whether two views share a byte. Exact: slices of one tensor whose elements interleave (packed QKV, one head of many) do not overlap.
/// The question is whether sum(c_k * x_k) = t has a solution with 0 &lt;= x_k &lt;= u_k, one term per axis of either view.
/// </summary>
internal static class Overlap
{
    // Past this many steps of the search two views count as overlapping. Views made by slicing need a handful.
    private const int MaxSteps = 100_000;

    /// <summary>Refuses outputs (the first <paramref name="outputs"/> of <paramref name="views"/>) that overlap any other view.</summary>
    public static void Refuse(ReadOnlySpan<TensorView> views, ReadOnlySpan<string> names, int outputs)
    {
        for (int output = 0; output < outputs; output++)
        {
            for (int other = output + 1; other < views.Length; other++)
            {
                if (!Between(views[output], views[other])) continue;
                throw new ArgumentException(
                    $"{names[output]} ({views[output]}) overlaps {names[other]} ({views[other]}): an output needs memory of its own.",
                    names[output]);
            }
        }
    }

    /// <summary>Whether the two views are the same elements in the same order.</summary>
    public static bool Same(in TensorView a, in TensorView b) =>
        a.Type == b.Type && SameMemory(a, b) && Start(a) == Start(b) && a.Shape.SequenceEqual(b.Shape) && SameStrides(a, b);

    /// <summary>Whether a byte belongs to both.</summary>
    public static bool Between(in TensorView a, in TensorView b)
    {
        if (a.IsEmpty || b.IsEmpty || !SameMemory(a, b)) return false;
        (nint startA, nint startB) = (Start(a), Start(b));
        (long bytesA, long bytesB) = (a.Extent * a.Type.Size(), b.Extent * b.Type.Size());
        if (startA + bytesA <= startB || startB + bytesB <= startA) return false;

        Span<Term> terms = stackalloc Term[(2 * TensorView.MaxRank) + 2];
        int count = 0;
        // x runs over a; b runs backwards, which makes its coefficients positive and moves its far end into the target.
        AddTerms(a, terms, ref count);
        AddTerms(b, terms, ref count);
        terms = terms[..count];
        terms.Sort(static (left, right) => right.Coefficient.CompareTo(left.Coefficient));
        int steps = 0;
        return Solve(terms, startB - startA + bytesB - 1, ref steps);
    }

    /// <summary>Whether two index tuples of one view may give one element. Sufficient strides pass; exotic ones are refused.</summary>
    public static bool WithinItself(in TensorView view)
    {
        Span<Term> terms = stackalloc Term[TensorView.MaxRank + 1];
        int count = 0;
        AddTerms(view, terms, ref count);
        terms = terms[..count];
        terms.Sort(static (left, right) => left.Coefficient.CompareTo(right.Coefficient));
        long reach = 0;
        foreach (Term term in terms)
        {
            if (term.Coefficient <= reach) return true;
            reach += term.Coefficient * term.Bound;
        }
        return false;
    }

    private static void AddTerms(in TensorView view, Span<Term> terms, ref int count)
    {
        int size = view.Type.Size();
        for (int axis = 0; axis < view.Rank; axis++)
        {
            if (view.Size(axis) > 1) terms[count++] = new Term(view.Stride(axis) * size, view.Size(axis) - 1);
        }
        if (size > 1) terms[count++] = new Term(1, size - 1);
    }

    private static bool Solve(ReadOnlySpan<Term> terms, long target, ref int steps)
    {
        if (target == 0) return true;
        if (target < 0 || terms.IsEmpty) return false;
        long reach = 0;
        foreach (Term term in terms[1..]) reach += term.Coefficient * term.Bound;

        (long coefficient, long bound) = terms[0];
        if (coefficient == 0) return Solve(terms[1..], target, ref steps);
        for (long x = Math.Min(bound, target / coefficient); x >= 0 && target - (x * coefficient) <= reach; x--)
        {
            if (++steps > MaxSteps || Solve(terms[1..], target - (x * coefficient), ref steps)) return true;
        }
        return false;
    }

    private static bool SameMemory(in TensorView a, in TensorView b) =>
        ReferenceEquals(a.Buffer, b.Buffer) || (a.Buffer!.Address != 0 && b.Buffer!.Address != 0);

    // Where the memory has an address it counts, since two tensors may wrap one array.
    private static nint Start(in TensorView view) => view.Buffer!.Address + (nint)(view.Offset * view.Type.Size());

    private static bool SameStrides(in TensorView a, in TensorView b)
    {
        for (int axis = 0; axis < a.Rank; axis++)
        {
            if (a.Size(axis) > 1 && a.Stride(axis) != b.Stride(axis)) return false;
        }
        return true;
    }

    private readonly record struct Term(long Coefficient, long Bound);
}
