namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of TensorMatmul for one type of A and B and one of C, and the choice among them. One tile, 128 x 128 with 64 x 32 a
/// warp: six loads of matrices feed 16 products, and the sums leave room for two groups a multiprocessor.
/// </summary>
internal static class TensorMatmulTable<TStored, TElement, TC, TElementC>
    where TStored : struct, IElement<ushort>
    where TElement : struct, ITensorElement
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    /// <summary>By whether there is an activation, and whether A and B are transposed.</summary>
    public static readonly KernelEntry<MatmulArgs<ushort, ushort, TC>>[] Entries =
    [
        Entry<AlongK, AlongOuter, NoActivation>(),
        Entry<AlongK, AlongK, NoActivation>(),
        Entry<AlongOuter, AlongOuter, NoActivation>(),
        Entry<AlongOuter, AlongK, NoActivation>(),
        Entry<AlongK, AlongOuter, AnyActivation>(),
        Entry<AlongK, AlongK, AnyActivation>(),
        Entry<AlongOuter, AlongOuter, AnyActivation>(),
        Entry<AlongOuter, AlongK, AnyActivation>(),
    ];

    /// <summary>
    /// The kernel that copies A and B fast where they lie row after row as given; it takes any other strides, too, slower.
    /// </summary>
    public static KernelEntry<MatmulArgs<ushort, ushort, TC>> Choose(MatmulProblem p, out long groups)
    {
        groups = (long)p.Batch0 * p.Batch1 * Grids.Tiles(p.M, TensorMatmulTile.Outer) * Grids.Tiles(p.N, TensorMatmulTile.Outer);
        return Entries[(p.Activation != Activation.None ? 4 : 0) + (p.TransposeA ? 2 : 0) + (p.TransposeB ? 1 : 0)];
    }

    private static KernelEntry<MatmulArgs<ushort, ushort, TC>> Entry<TA, TB, TActivation>()
        where TA : struct, ITensorOperand
        where TB : struct, ITensorOperand
        where TActivation : struct, IActivation => new(
            $"TensorMatmul {Elements.Label<TStored>()}->{Elements.Label<TElementC>()} 128x128x{TensorMatmulTile.BK} " +
            $"A-{(TA.IsAlongK ? "k" : "outer")} B-{(TB.IsAlongK ? "k" : "outer")}{(TActivation.IsPresent ? " activation" : "")}",
            TensorMatmul<TElement, TC, TElementC, TA, TB, TActivation>.Kernel, TensorMatmulTile.GroupSize, TensorMatmulTile.SharedBytes)
        {
            NeedsTensorCores = true,
        };
}
